//! The program: an exit code around [`s3bouncer::cli::main`].

/// Bodies are held in fresh buffers all the time; glibc's allocator gives their pages back to the
/// kernel and asks for them again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    s3bouncer::cli::main()
}
