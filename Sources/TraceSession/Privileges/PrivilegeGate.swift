// Giving up privileges before a capture file is read: with -Z only, as reading needs none.

/// For traces that need no privileges at all.
public enum PrivilegeGate {
    /// Becomes the user that `-Z` names, if it is given; whether that worked. Says on standard error if not.
    public static func giveUp(_ options: TraceOptions) -> Bool {
        guard options.user != nil else { return true }
        do throws(TraceError) {
            try PrivilegePlan.make(name: options.user, kept: []).carryOut()
            return true
        } catch {
            complain(error.explanation(command: "", executable: ""))
            return false
        }
    }
}
