//! Counts words with Rust's standard library: of all files of a directory, or of the standard input.
//! A hash map needs random numbers, sorting by count shows that they do not matter.
use std::collections::HashMap;
use std::io::Read;
use std::{env, fs, io, process};

fn count(text: &str, counts: &mut HashMap<String, usize>) {
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
}

fn count_directory(path: &str, counts: &mut HashMap<String, usize>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let attributes = fs::symlink_metadata(&path)?;
        if attributes.is_dir() {
            count_directory(&path.to_string_lossy(), counts)?;
        } else if attributes.is_file() {
            count(&fs::read_to_string(&path)?, counts);
        }
    }
    Ok(())
}

fn run() -> io::Result<()> {
    let mut counts = HashMap::new();
    let args: Vec<String> = env::args().collect();
    if args.len() > 1 {
        count_directory(&args[1], &mut counts)?;
    } else {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        count(&text, &mut counts);
    }
    let mut sorted: Vec<(String, usize)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let report: String = sorted.iter().map(|(word, n)| format!("{n} {word}\n")).collect();
    match args.get(2) {
        Some(path) => fs::write(path, report),
        None => Ok(print!("{report}")),
    }
}

fn main() {
    if let Err(error) = run() {
        eprintln!("words: {error}");
        process::exit(if error.kind() == io::ErrorKind::NotFound { 4 } else { 5 });
    }
}
