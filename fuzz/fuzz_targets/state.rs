#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stack_exporter::fuzzing::state(data));
