#![cfg_attr(fuzzing, no_main)]

fuzz_targets::binary!(mapping_files);
