//! rsigma-match RULES EVENTS PRODUCT CATEGORY SERVICE ORDER SECONDS HITS: what bench/native/match.c does, with RSigma.
//!
//! RULES: a file with the path of one rule file a line. EVENTS: JSON lines, the event itself or under "event". An empty
//! PRODUCT: the category is each event's "_cat", product and service are Sysmon's. HITS gets "event rule-id" a line.
use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::{LogSource, parse_sigma_file};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, hint};

const MIN_PASSES: usize = 5;
const MAX_PASSES: usize = 1000;

struct Decoded {
    event: Value,
    logsource: LogSource,
}

fn decode(line: &str, given: &[String]) -> Decoded {
    let mut event: Value = serde_json::from_str(line).expect("a JSON object a line");
    if let Some(inner) = event.get_mut("event") {
        event = inner.take();
    }
    let part = |text: &str| Some(text.to_string());
    let [product, category, service] = given else {
        unreachable!()
    };
    let mut logsource = LogSource::default();
    if product.is_empty() {
        logsource.product = part("windows");
        logsource.category = event.get("_cat").and_then(Value::as_str).and_then(part);
        logsource.service = part("sysmon");
    } else {
        logsource.product = part(product);
        logsource.category = part(category);
        logsource.service = part(service);
    }
    Decoded { event, logsource }
}

fn load(list: &str) -> Engine {
    let mut rules = Vec::new();
    for path in fs::read_to_string(list).expect("the list of rules").lines() {
        let collection = parse_sigma_file(Path::new(path)).expect("a rule file");
        assert!(collection.errors().next().is_none(), "{path} has errors");
        rules.extend(collection.rules);
    }
    let mut engine = Engine::new();
    let errors = engine.add_rules(&rules);
    assert!(errors.is_empty(), "{errors:?}");
    engine
}

fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// Fisher and Yates's shuffle, by the generator of match.c.
fn shuffle(order: &mut [usize], random: &mut u64) {
    for i in (1..order.len()).rev() {
        *random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        order.swap(i, ((*random >> 33) % (i as u64 + 1)) as usize);
    }
}

fn main() {
    let args: Vec<String> = env::args().collect();
    assert_eq!(
        args.len(),
        9,
        "usage: rsigma-match RULES EVENTS PRODUCT CATEGORY SERVICE flat|shuffled SECONDS HITS"
    );
    let begin = Instant::now();
    let engine = load(&args[1]);
    let loaded = begin.elapsed();
    let lines = fs::read_to_string(&args[2]).expect("the events");
    let begin = Instant::now();
    let events: Vec<Decoded> = lines.lines().map(|line| decode(line, &args[3..6])).collect();
    let decoded = begin.elapsed();

    let (mut hits, mut list) = (0, String::new());
    for (index, one) in events.iter().enumerate() {
        for result in engine.evaluate_pruned(&JsonEvent::borrow(&one.event), &one.logsource) {
            hits += 1;
            writeln!(list, "{index} {}", result.header.rule_id.as_deref().unwrap_or("-")).unwrap();
        }
    }
    fs::write(&args[8], list).expect("the list of hits");

    let limit = Duration::from_secs_f64(args[7].parse().expect("seconds"));
    let (mut took, mut longest, mut random) = (vec![Vec::new(); events.len()], 0, 1u64);
    let mut order: Vec<usize> = (0..events.len()).collect();
    let begin = Instant::now();
    while took[0].len() < MIN_PASSES || (took[0].len() < MAX_PASSES && begin.elapsed() < limit) {
        if args[6] == "shuffled" {
            shuffle(&mut order, &mut random);
        }
        for &index in &order {
            let one = &events[index];
            let begin = Instant::now();
            hint::black_box(engine.evaluate_pruned(&JsonEvent::borrow(&one.event), &one.logsource));
            let ns = begin.elapsed().as_nanos() as u64;
            took[index].push(ns);
            longest = longest.max(ns);
        }
    }
    let passes = took[0].len();
    let mut times: Vec<u64> = took.iter_mut().map(|passes| median(passes)).collect();
    let mean = times.iter().sum::<u64>() as f64 / times.len() as f64;
    times.sort_unstable();
    let at = |per_mille: usize| times[times.len() * per_mille / 1000];
    println!(
        "{}",
        json!({
            "rules": engine.rule_count(), "events": events.len(), "hits": hits, "passes": passes,
            "mean": mean, "p50": at(500), "p99": at(990), "p99.9": at(999), "max": times[times.len() - 1],
            "longest": longest, "load_s": loaded.as_secs_f64(), "decode": decoded.as_nanos() as f64 / events.len() as f64,
        })
    );
}
