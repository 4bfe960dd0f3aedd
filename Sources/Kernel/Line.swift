/// Those who stand in line, first come first served; anybody leaves it, from any place, at the same small cost.
struct Line<Element> {
    private var standing: [UInt64: Element] = [:]
    /// Tickets in order from `head` on; those who have left are missing in `standing`.
    private var tickets: [UInt64] = []
    private var head = 0
    private var next: UInt64 = 1

    init() {}

    var count: Int { standing.count }
    var isEmpty: Bool { standing.isEmpty }

    /// Stands at the end; the ticket with which it leaves.
    mutating func append(_ element: Element) -> UInt64 {
        if tickets.count > 64, tickets.count > 2 * standing.count {
            tickets = tickets[head...].filter { standing[$0] != nil }
            head = 0
        }
        let ticket = next
        next += 1
        tickets.append(ticket)
        standing[ticket] = element
        return ticket
    }

    /// Leaves; nil for who does not stand here any more.
    mutating func remove(_ ticket: UInt64) -> Element? { standing.removeValue(forKey: ticket) }

    mutating func popFirst() -> (ticket: UInt64, element: Element)? {
        while head < tickets.count {
            let ticket = tickets[head]
            head += 1
            if let element = standing.removeValue(forKey: ticket) { return (ticket, element) }
        }
        (tickets, head) = ([], 0)
        return nil
    }

    /// All leave, in any order.
    mutating func removeAll() -> [Element] {
        defer { (standing, tickets, head) = ([:], [], 0) }
        return Array(standing.values)
    }
}
