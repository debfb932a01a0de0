// Giving up privileges before a capture file is read, as reading needs none: borrowed ones always, root's with -Z.

/// For traces that need no privileges at all.
public enum PrivilegeGate {
    /// Becomes the user that `-Z` names, if there is one; whether that worked. Says on standard error if not.
    public static func giveUp(user: String?) -> Bool {
        guard let user else {
            BorrowedPowers.giveUp()
            return true
        }
        do throws(TraceError) {
            try PrivilegePlan.make(name: user, kept: []).carryOut()
            return true
        } catch {
            complain(error.explanation(command: "", executable: ""))
            return false
        }
    }
}
