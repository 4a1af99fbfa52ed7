select r.status, r.slot_name,
    r.receive_start_lsn - '0/0'::pg_catalog.pg_lsn as receive_start_lsn,
    r.receive_start_tli, r.received_tli,
    r.latest_end_lsn - '0/0'::pg_catalog.pg_lsn as latest_end_lsn,
    extract(epoch from r.last_msg_send_time) as last_msg_send_time,
    extract(epoch from r.last_msg_receipt_time) as last_msg_receipt_time,
    extract(epoch from r.latest_end_time) as latest_end_time
from pg_catalog.pg_stat_wal_receiver r
