//! Any bytes are a source map or refused; what is compiled is within bounds, and any place can be looked up in it.
#![no_main]

use browser_relay::domain::outline::Outline;
use browser_relay::domain::source_map::block::{BLOCK_TOKENS, Block};
use browser_relay::domain::source_map::{MAX_PROBLEMS, Position, compile, directory};
use browser_relay::domain::unzip::Unzip;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut unzip = Unzip::default();
    Block::unpack(&mut unzip, bytes);
    Outline::unpack(&mut unzip, bytes).unwrap_or_default().function_at(7);
    directory::find(bytes, Position { line: 1, column: 1 });
    let Ok(compiled) = compile(bytes) else { return };
    assert!(compiled.problems.len() <= MAX_PROBLEMS);
    for (line, column) in [(0, 0), (0, 7), (1, 0), (u32::MAX, u32::MAX)] {
        let at = Position { line, column };
        let Some(number) = directory::find(&compiled.directory, at) else {
            continue;
        };
        let block = Block::unpack(&mut unzip, &compiled.blocks[number as usize]).expect("what was packed can be unpacked");
        assert!(block.tokens.len() <= BLOCK_TOKENS);
        assert!(block.tokens.is_sorted_by_key(|token| token.at));
        if let Some(token) = block.find(at) {
            assert!(token.at <= at && token.at.line == line);
            if let Some(original) = token.original {
                assert!((original.source as usize) < compiled.sources.len());
            }
            block.name(token);
        }
    }
});
