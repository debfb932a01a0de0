// The keywords of pcap-filter(7): words that cannot be names.

/// The filter language's keywords, except those that start with tcp or icmp.
package enum FilterKeywords {
    /// All keywords.
    package static let all: Set<Substring> = Set(text.split { $0 == " " || $0 == "\n" })

    private static let text = """
        dst src link ether ppp slip fddi tr wlan arp rarp ip sctp udp igmp igrp pim vrrp carp radio ip6 ah esp atalk aarp
        decnet lat sca moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui host net mask
        port portrange proto protochain gateway type subtype direction dir address1 address2 address3 address4 addr1 addr2
        addr3 addr4 ta ra less greater byte broadcast multicast and or not len length inbound outbound ifindex vlan mpls
        pppoed pppoes geneve lane llc metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect on ifname
        rset ruleset rnr rulenum srnr subrulenum reason action fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc
        hdpc hsls
        """
}
