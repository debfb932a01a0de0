// The distance between two words, for hints at what the user meant.

/// The fewest insertions, deletions, replacements and swaps of neighbours that turn one sequence into the other (optimal
/// string alignment).
public func editDistance<Letter: Equatable>(_ left: [Letter], _ right: [Letter]) -> Int {
    var before: [Int] = []
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
        var next = [index + 1]
        for (place, other) in right.enumerated() {
            var least = min(row[place] + (letter == other ? 0 : 1), row[place + 1] + 1, next[place] + 1)
            if index > 0, place > 0, letter == right[place - 1], other == left[index - 1] {
                least = min(least, before[place - 1] + 1)
            }
            next.append(least)
        }
        before = row
        row = next
    }
    return row[right.count]
}
