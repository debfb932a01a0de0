// The anomalies by name, for programs. The reports word them for people.

extension Anomalies {
    /// Each anomaly with its name, in the order of their bits.
    public static var names: [(anomaly: Anomalies, name: StaticString)] {
        [
            (.meaninglessFlags, "meaningless_flags"), (.synInsideConnection, "syn_inside_connection"),
            (.initialSequenceChanged, "initial_sequence_changed"), (.unacceptableAck, "unacceptable_ack"),
            (.acknowledgedUnseen, "acknowledged_unseen"), (.blindAck, "blind_ack"),
            (.resetNotExact, "reset_not_exact"), (.resetIgnored, "reset_ignored"),
            (.finBeforeOpen, "fin_before_open"), (.finMoved, "fin_moved"), (.sentAfterClose, "sent_after_close"),
            (.arrivedAfterClose, "arrived_after_close"), (.beyondWindow, "beyond_window"),
            (.ackMissing, "ack_missing"), (.resetAnswersBadAck, "reset_answers_bad_ack"),
            (.resetUnheeded, "reset_unheeded"), (.oldTimestamp, "old_timestamp"),
            (.staleSegment, "stale_segment"),
        ]
    }
}
