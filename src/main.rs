//! tmp
fn main() {
    let path = std::env::args().nth(3).unwrap();
    let code = s3bouncer::cli::run::run(std::path::Path::new(&path));
    std::process::exit(code as i32);
}
