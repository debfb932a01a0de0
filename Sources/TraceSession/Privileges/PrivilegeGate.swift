// Drops privileges before a capture file is read, as reading needs none: borrowed ones always, root's with -Z.

/// For traces that need no privileges.
public enum PrivilegeGate {
    /// Becomes the user named by `-Z`, if any; returns whether that worked. Explains a failure on standard error.
    public static func giveUp(user: String?) -> Bool {
        guard let user else {
            BorrowedPowers.giveUp()
            return true
        }
        do throws(TraceError) {
            try PrivilegePlan.make(name: user, kept: []).carryOut()
            return true
        } catch {
            complain(error.explanation())
            return false
        }
    }
}
