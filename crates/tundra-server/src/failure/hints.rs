//! The words of the command line in the words of the API.
//!
//! Errors of the engine name options as they are typed at a terminal. Whoever sends JSON is told the
//! field instead; a way out that no request has is left out.

/// Options, and the fields that stand for them.
const FIELDS: [(&str, &str); 20] = [
    ("--columns", "columns"),
    ("--delimiter", "options.delimiter"),
    ("--encoding", "options.encoding"),
    ("--flatten", "options.flatten"),
    ("--footer", "options.footer"),
    ("--format", "format"),
    ("--header", "options.header"),
    ("--max-rejects", "options.max_rejects"),
    ("--member", "options.member"),
    ("--null", "options.null_values"),
    ("--on-bad-row", "options.on_bad_row"),
    ("--on-lossy", "on_lossy"),
    ("--partition-column", "partition_column"),
    ("--partitions", "partition_num"),
    ("--preamble", "options.preamble"),
    ("--quote", "options.quote"),
    ("--records", "options.records"),
    ("--rename", "options.column_mapping"),
    ("--skip-rows", "options.skip_rows"),
    ("--type", "options.type_overrides"),
];

/// Commands and whole options with their values, and what stands for them.
const PHRASES: [(&str, &str); 4] = [
    ("`--no-header`", "`options.header: false`"),
    ("`tundra inspect`", "`POST /infer/schema`"),
    ("`tundra versions`", "`GET /sources/{id}/versions`"),
    (
        "use `--on-bad-row repair` to keep the last value, or `reject`",
        "use `options.on_bad_row: repair` to keep the last value, or `reject`",
    ),
];

/// Returns the text with options named as fields, as far as there are such fields.
///
/// Only what stands behind a backtick is taken for an option: anything else may be the caller's own text.
pub(crate) fn translated(text: &str) -> String {
    let mut text = text.to_owned();
    for (phrase, instead) in PHRASES {
        if text.contains(phrase) {
            text = text.replace(phrase, instead);
        }
    }
    let mut translated = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("`--") {
        let (before, option) = rest.split_at(at + 1);
        translated.push_str(before);
        let end =
            option.find(|c: char| !(c == '-' || c.is_ascii_lowercase())).unwrap_or(option.len());
        let (name, behind) = option.split_at(end);
        match FIELDS.iter().find(|(option, _)| *option == name) {
            Some((_, field)) => {
                translated.push_str(field);
                // `--on-bad-row reject` is `options.on_bad_row: reject`.
                if behind.starts_with(' ') {
                    translated.push(':');
                }
            }
            None => translated.push_str(name),
        }
        rest = behind;
    }
    translated.push_str(rest);
    translated
}

/// Returns the hints in the words of the API, without those that only somebody at a terminal can follow.
pub(super) fn translated_hints(hints: Vec<String>) -> Vec<String> {
    let is_for_terminals = |hint: &String| {
        // What whoever runs the service does with keys is told as it is.
        let other_command = hint.contains("`tundra ") && !hint.contains("`tundra keys ");
        other_command || hint.contains("`--") || hint.contains("`-o") || hint.contains(" --")
    };
    let hints = hints.into_iter().map(|hint| translated(&hint));
    hints.filter(|hint| !is_for_terminals(hint)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_named_as_fields() {
        for (text, expected) in [
            ("`--delimiter` is for delimited text", "`options.delimiter` is for delimited text"),
            ("use `--on-bad-row reject` then", "use `options.on_bad_row: reject` then"),
            ("say `--no-header` if so", "say `options.header: false` if so"),
            (
                "look with `tundra inspect`; a wrong `--type`",
                "look with `POST /infer/schema`; a wrong `options.type_overrides`",
            ),
            ("the text `a --format b` is its own", "the text `a --format b` is its own"),
            ("`--memory` is not of the API", "`--memory` is not of the API"),
            ("`--", "`--"),
        ] {
            assert_eq!(translated(text), expected);
        }
    }

    #[test]
    fn hints_that_need_a_terminal_are_left_out() {
        let hints = [
            "use `--overwrite` to replace it, or `-o` to write elsewhere",
            "`tundra tables` lists what there is",
            "give the column another `--type`, or let the type be inferred",
            "whoever runs the service can make another with `tundra keys create`",
        ];
        let left = translated_hints(hints.map(str::to_owned).into());
        assert_eq!(
            left,
            [
                "give the column another `options.type_overrides`, or let the type be inferred",
                "whoever runs the service can make another with `tundra keys create`",
            ]
        );
    }
}
