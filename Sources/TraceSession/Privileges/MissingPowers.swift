// What a trace cannot do with the privileges of its user.

/// Sentences for standard error on what a trace lacks for want of privileges.
func missingPowers(namesProcesses: Bool, effective: Capabilities = .effective()) -> [String] {
    guard namesProcesses, !effective.isSuperset(of: .owners) else { return [] }
    let missing = Capabilities.owners.subtracting(effective).described
    return ["without \(missing) the processes of other users are not named"]
}
