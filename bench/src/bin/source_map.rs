//! `source_map MAP [FRAMES]`: what an upload of a large map costs the relay, and what a stack costs that needs it.
//! Needs `browser-relay` beside it, built with the same profile.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::time::Instant;

use bench::figures::{cpu_seconds, memory_mb, percentile, reset_peak};
use testkit::{Launch, Server, json};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const TRIES: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, rest @ ..] = &arguments[..] else {
        return Err("usage: source_map MAP [FRAMES]".into());
    };
    let n_frames: u32 = rest.first().map_or(Ok(40), |text| text.parse())?;
    let map = std::fs::read(file)?;
    let n_mb = map.len() as f64 / 1e6;
    let binary = std::env::current_exe()?.with_file_name("browser-relay");
    let launch = Launch::new(binary).env("DSN_KEYS", format!("web:{KEY}"));

    let server = launch.start().await;
    let (before, pid) = (memory_mb(server.pid(), "VmRSS"), server.pid());
    reset_peak(pid)?;
    let (cpu, began) = (cpu_seconds(pid), Instant::now());
    let path = "/api/source-maps?project=web&release=1&file_url=/a.js";
    let answer = server.client().send("PUT".parse()?, path, &[], map).await;
    let told = answer.json();
    println!(
        "upload of {n_mb:.1} MB: {:.2} s, {:.2} s of CPU; resident {before:.1} MB, at the peak {:.1} MB more; kept {:.1} MB, {} tokens, {} sources, problems {}",
        began.elapsed().as_secs_f64(),
        cpu_seconds(pid) - cpu,
        memory_mb(pid, "VmHWM") - before,
        told["bytes"].as_f64().unwrap_or(0.) / 1e6,
        told["tokens"],
        told["sources"],
        told["problems"],
    );
    server.stop().await;

    let (mut mapped, mut plain) = (Vec::new(), Vec::new());
    for number in 0..TRIES {
        // A process that has read nothing yet.
        let server = launch.start().await;
        // The first request of a process pays for more than its stack.
        time(&server, &stack(n_frames, "b.js", number)).await?;
        plain.push(time(&server, &stack(n_frames, "b.js", number)).await?);
        mapped.push(time(&server, &stack(n_frames, "a.js", number)).await?);
        server.stop().await;
    }
    println!(
        "a stack of {n_frames} frames, nothing of its map read before: p50 {:.2} ms, worst {:.2} ms; of a file without a map p50 {:.2} ms",
        percentile(&mut mapped, 0.5),
        percentile(&mut mapped, 1.),
        percentile(&mut plain, 0.5),
    );
    Ok(())
}

/// Frames all over a minified file.
fn stack(n_frames: u32, file: &str, seed: usize) -> String {
    let frame = |n: u32| {
        let place = u64::from(n) * 2_654_435_761 + seed as u64 * 40_503;
        let (line, column) = (1 + place % 700, 1 + place / 700 % 6000);
        format!("\n    at f{n} (https://shop.example.com/{file}:{line}:{column})")
    };
    format!("TypeError: x{}", (0..n_frames).map(frame).collect::<String>())
}

/// Milliseconds until an event with this stack is answered.
async fn time(server: &Server, stack: &str) -> Result<f64, Box<dyn Error>> {
    let event = json!({"type": "TypeError", "message": "x", "stack": stack, "release": "1"}).to_string();
    let mut page = server.stranger().with_header("x-monlight-key", KEY);
    let began = Instant::now();
    let answer = page.post("/api/browser/errors", event).await;
    if answer.status != 202 {
        return Err(answer.text().into());
    }
    Ok(began.elapsed().as_secs_f64() * 1000.)
}
