#include <pcap/pcap.h>
#include <pcap/namedb.h>
