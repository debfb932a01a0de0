// The look of the page: light and dark, on screen and on paper. The states' colours can be told apart with most kinds
// of colour blindness, and the states' names appear beside them.

import TCPModel

/// The style sheet and the classes used by drawings.
enum PageStyle {
    /// The class of a state's lifeline and name.
    static func kind(_ state: TCPState?) -> StaticString {
        switch state {
        case .synSent, .synReceived: "opening"
        case .established: "established"
        case .finWait1, .finWait2, .closing: "closing"
        case .closeWait, .lastAck: "close-wait"
        case .timeWait: "time-wait"
        case .closed, .listen, .unseen, nil: "closed"
        }
    }

    /// The legend of the colours.
    static let legend: [(kind: StaticString, words: StaticString)] = [
        ("opening", "SYN_SENT, SYN_RECEIVED"), ("established", "ESTABLISHED"),
        ("closing", "FIN_WAIT_1, FIN_WAIT_2, CLOSING"), ("close-wait", "CLOSE_WAIT, LAST_ACK"),
        ("time-wait", "TIME_WAIT"), ("closed", "CLOSED, LISTEN"),
    ]

    static let sheet: StaticString = """
        :root { color-scheme: light dark; --paper: #ffffff; --ink: #1b2430; --dim: #667080; --rule: #d5dae2; --hover: #f3f5f8;
          --opening: #b7791f; --established: #1f7a4d; --closing: #7044c0; --close-wait: #c8431a; --time-wait: #2463d6;
          --closed: #98a2b0; --again: #c8431a; --error: #b42318; --warning: #96620f; --note: #4a5768; }
        @media (prefers-color-scheme: dark) { :root { --paper: #14181e; --ink: #e3e8ee; --dim: #93a0b0; --rule: #343c47;
          --hover: #1d232b; --opening: #e0a63f; --established: #4cc38a; --closing: #a98bf0; --close-wait: #f2774f;
          --time-wait: #6f9cf5; --closed: #707b8a; --again: #f2774f; --error: #f97066; --warning: #e0a63f; --note: #a9b4c2; } }
        @media print { :root { color-scheme: light; } details { break-inside: avoid; } }
        body { margin: 1.5rem auto; max-width: 66rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
          font: 14px/1.45 system-ui, sans-serif; }
        h1 { font-size: 1.25rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
        .source, .gap, .evidence { color: var(--dim); margin: .25rem 0; }
        .gap { border-left: 3px solid var(--warning); padding-left: .6rem; }
        .legend span { margin-right: 1rem; white-space: nowrap; }
        .legend span::before { content: ""; display: inline-block; width: .7rem; height: .7rem; margin-right: .35rem;
          vertical-align: -1px; background: currentColor; }
        .line { display: grid; gap: 0 .8rem; padding: .3rem .4rem; align-items: baseline;
          grid-template-columns: 2.4rem minmax(19rem, 1fr) 7.5rem 4.6rem 4.6rem 4.6rem 4.6rem minmax(6rem, 13rem); }
        @media (max-width: 62rem) { .line { grid-template-columns: 2.4rem minmax(0, 1fr) auto; }
          .line .time, .line .octets, .titles .codes { display: none; } .line .codes { grid-column: 2 / 4; } }
        .titles { color: var(--dim); border-bottom: 1px solid var(--rule); }
        details { border-bottom: 1px solid var(--rule); }
        summary { cursor: pointer; }
        summary:hover, summary:focus-visible { background: var(--hover); }
        .number, .time, .octets { text-align: right; font-variant-numeric: tabular-nums; }
        .number { color: var(--dim); }
        .ends { overflow-wrap: anywhere; }
        .codes span { display: inline-block; margin-right: .4rem; padding: 0 .35rem; border: 1px solid; border-radius: .6rem;
          font-size: .8rem; }
        .titles .codes { font-size: inherit; }
        .trouble, .error { color: var(--error); }
        .warning { color: var(--warning); }
        .note { color: var(--note); }
        .opening { color: var(--opening); } .established { color: var(--established); }
        .closing { color: var(--closing); } .close-wait { color: var(--close-wait); }
        .time-wait { color: var(--time-wait); } .closed { color: var(--closed); }
        .body { padding: .2rem .4rem 1rem; overflow-x: auto; }
        svg { display: block; width: 100%; min-width: 44rem; height: auto; }
        svg text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: var(--ink); }
        svg .dim { fill: var(--dim); } svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
        svg .remark { fill: var(--note); font-style: italic; } svg .part { fill: var(--dim); font-weight: 600; }
        svg .state { fill: currentColor; font-weight: 600; }
        svg .life { stroke: currentColor; stroke-width: 4; } svg .rule { stroke: var(--rule); }
        svg .arrow { stroke: var(--ink); stroke-width: 1.3; fill: none; } svg .data .arrow { stroke-width: 3.5; }
        svg .head { fill: var(--ink); }
        svg .again .arrow, svg .reset .arrow { stroke: var(--again); } svg .again .head { fill: var(--again); }
        svg .again text, svg .reset text { fill: var(--again); }
        svg g:hover text { text-decoration: underline; }
        pre.closing { color: inherit; font: 12.5px/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
          white-space: pre-wrap; margin: .4rem 0; max-width: 118ch; }
        .sentence { display: block; padding-left: 4ch; text-indent: -4ch; }
        .findings { margin: .4rem 0; padding-left: 1.2rem; } .findings small { display: block; }

        """
}
