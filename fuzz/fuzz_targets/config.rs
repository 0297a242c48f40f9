//! Any text at all is read or refused, never worse; what is read says the same when it is written
//! out and read again; what is refused is refused for a line that exists.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use s3bouncer::config::Config;

/// Longer texts may, with all defaults written out, exceed what is read.
const TEXT_MAX: usize = 64 << 10;

fuzz_target!(|text: &str| {
    if text.len() > TEXT_MAX {
        return;
    }
    match Config::parse(text, Path::new("")) {
        Ok(config) => {
            let again = Config::parse(&config.to_toml(), Path::new(""));
            assert_eq!(again.as_ref(), Ok(&config), "{}", config.to_toml());
            assert!(config.needs_restart(&config).is_empty());
            let rule = config.rule_for(None);
            assert!(rule.pattern.is_everything() && rule.matches(Some("any-bucket")));
        }
        Err(errors) => {
            let lines = text.matches('\n').count() + 1;
            assert!(errors.iter().next().is_some());
            assert!(errors.iter().all(|error| (1..=lines).contains(&error.line)), "{errors}");
        }
    }
});
