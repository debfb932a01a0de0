// What a trace cannot do as the user who runs it.

/// What a trace lacks for want of privileges, each with its cost, for standard error.
func missingPowers(namesProcesses: Bool, effective: Capabilities = .effective()) -> [String] {
    guard namesProcesses, !effective.isSuperset(of: .owners) else { return [] }
    let missing = Capabilities.owners.subtracting(effective).described
    return ["without \(missing) the processes of other users are not named"]
}
