//! Outputs that cannot be written. Each has its message and its exit code, and leaves nothing.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::support::{SALES, Sandbox, shows};

#[test]
fn an_existing_output_is_kept() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("sales.parquet", "precious");
    sandbox
        .run(&["convert", "sales.csv"])
        .fails(6, &["`sales.parquet` already exists", "--overwrite"]);
    assert_eq!(sandbox.read("sales.parquet"), "precious");
    sandbox.holds_only(&["sales.csv", "sales.parquet"]);
    shows!(sandbox.run(&["convert", "sales.csv"]), @"
    exit code: 6
    ----- stdout -----
    ----- stderr -----
    error: could not write the output
    caused by: `sales.parquet` already exists

    hint: use `--overwrite` to replace it, or `-o` to write elsewhere
    ");
}

#[test]
fn an_existing_output_is_replaced_when_asked() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("sales.parquet", "worthless");
    sandbox.run(&["convert", "sales.csv", "--overwrite"]).succeeds();
    assert_eq!(sandbox.rows("sales.parquet").len(), 3);
    sandbox.holds_only(&["sales.csv", "sales.parquet"]);
}

#[test]
fn a_failed_run_does_not_replace_the_output() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id\n1\nx\n");
    sandbox.write("a.parquet", "precious");
    sandbox.run(&["convert", "a.csv", "--overwrite", "--type", "id=INT"]).fails(3, &["line 3"]);
    assert_eq!(sandbox.read("a.parquet"), "precious");
    sandbox.holds_only(&["a.csv", "a.parquet"]);
}

#[test]
fn the_input_is_never_the_output() {
    let sandbox = Sandbox::with_sales();
    std::os::unix::fs::symlink("sales.csv", sandbox.path("link.csv")).unwrap();
    for output in ["sales.csv", "./sales.csv", "link.csv"] {
        sandbox
            .run(&["convert", "sales.csv", "-o", output, "--overwrite"])
            .fails(2, &["the input itself", "`-o`"]);
    }
    assert_eq!(sandbox.read("sales.csv"), SALES);
    sandbox.holds_only(&["link.csv", "sales.csv"]);
}

#[test]
fn a_parquet_input_needs_a_name_for_the_output() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    let before = fs::read(sandbox.path("sales.parquet")).unwrap();
    for flags in [vec![], vec!["--overwrite"]] {
        let mut arguments = vec!["convert", "sales.parquet"];
        arguments.extend(flags);
        sandbox.run(&arguments).fails(2, &["`sales.parquet` is the input itself", "`-o`"]);
    }
    assert_eq!(fs::read(sandbox.path("sales.parquet")).unwrap(), before);
}

#[test]
fn a_missing_directory_is_named_and_not_made() {
    let sandbox = Sandbox::with_sales();
    sandbox
        .run(&["convert", "sales.csv", "-o", "out/s.parquet"])
        .fails(4, &["there is no directory `out`", "hint: "]);
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn a_directory_is_no_output() {
    let sandbox = Sandbox::with_sales();
    fs::create_dir(sandbox.path("out")).unwrap();
    for output in ["out", "out/"] {
        sandbox
            .run(&["convert", "sales.csv", "-o", output, "--overwrite"])
            .fails(2, &["directory", "name a file"]);
    }
    sandbox.holds_only(&["out", "sales.csv"]);
}

#[test]
fn a_directory_without_permission_says_so() {
    let sandbox = Sandbox::with_sales();
    let directory = sandbox.path("out");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    sandbox
        .run_as_nobody(&["convert", "sales.csv", "-o", "out/s.parquet"])
        .fails(5, &["no permission to write `out/s.parquet`", "hint: "]);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_read_only_file_system_says_so() {
    let sandbox = Sandbox::with_sales();
    fs::create_dir(sandbox.path("disk")).unwrap();
    let Some(ran) = sandbox.run_with_mounts(
        "mount -t tmpfs -o ro none disk && \"$0\" convert sales.csv -o disk/s.parquet",
    ) else {
        return;
    };
    ran.fails(5, &["no permission to write `disk/s.parquet`", "hint: "]);
    sandbox.holds_only(&["disk", "sales.csv"]);
}

#[test]
fn a_full_disk_says_so_and_keeps_nothing() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("disk")).unwrap();
    // Values that do not compress, several times the size of the disk.
    let mut csv = String::from("a,b\n");
    let mut state = 88_172_645_463_325_252_u64;
    for _ in 0..150_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        csv.push_str(&format!("{state:x},{:x}\n", state.rotate_left(29)));
    }
    sandbox.write("big.csv", csv);
    let Some(ran) = sandbox.run_with_mounts(
        "mount -t tmpfs -o size=1m none disk && \"$0\" convert big.csv -o disk/s.parquet; \
         code=$?; ls -A disk > left; exit $code",
    ) else {
        return;
    };
    ran.fails(7, &["no space left", "disk/s.parquet", "hint: "]);
    assert_eq!(sandbox.read("left"), "");
    sandbox.holds_only(&["big.csv", "disk", "left"]);
}

#[test]
fn a_full_temporary_directory_says_so() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("disk")).unwrap();
    let Some(ran) = sandbox.run_with_mounts(
        "mount -t tmpfs -o size=1m none disk && \
         head -c 3000000 /dev/zero | tr '\\0' '1' | \
         \"$0\" convert - --temp-dir disk -o x.parquet",
    ) else {
        return;
    };
    ran.fails(7, &["temporary directory `disk`", "--temp-dir"]);
    sandbox.holds_only(&["disk"]);
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let sandbox = Sandbox::with_sales();
    for arguments in
        [vec!["inspect", "sales.csv"], vec!["--help"], vec!["convert", "sales.csv", "-o", "-"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = sandbox.finish(sandbox.tundra(&arguments).stdout(full));
        ran.fails(7, &["standard output"]);
    }
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn an_existing_receipt_is_kept_and_noticed_before_the_work() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("r.json", "precious");
    sandbox
        .run(&["convert", "sales.csv", "--receipt", "r.json"])
        .fails(6, &["`r.json` already exists", "--overwrite"]);
    assert_eq!(sandbox.read("r.json"), "precious");
    sandbox.holds_only(&["r.json", "sales.csv"]);
}

#[test]
fn a_receipt_goes_to_a_file_of_its_own() {
    let sandbox = Sandbox::with_sales();
    for receipt in ["sales.csv", "sales.parquet", "-", "out/r.json"] {
        let ran = sandbox.run(&["convert", "sales.csv", "--overwrite", "--receipt", receipt]);
        assert!(matches!(ran.code, Some(2 | 4)), "{ran}");
        sandbox.holds_only(&["sales.csv"]);
    }
    assert_eq!(sandbox.read("sales.csv"), SALES);
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_like_a_full_disk() {
    let sandbox = Sandbox::new();
    let rows: String =
        (0..20_000_u64).map(|n| format!("{}\n", n.wrapping_mul(n) % 999_983)).collect();
    sandbox.write("a.csv", format!("n\n{rows}"));
    let limited = |script: &str| {
        let script = format!("ulimit -f 8; {script}");
        sandbox.finish(sandbox.command("bash").args(["-c", &script, crate::support::TUNDRA]))
    };
    limited("\"$0\" convert a.csv").fails(7, &["a.parquet", "hint: "]);
    limited("\"$0\" convert - -o b.parquet < a.csv").fails(7, &["--temp-dir"]);
    sandbox.holds_only(&["a.csv"]);
}
