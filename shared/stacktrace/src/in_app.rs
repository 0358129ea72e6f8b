//! Whether a file is the application's own, by its path or URL alone.

/// Folders that package managers and language runtimes fill, `/` for either separator.
const LIBRARY_FOLDERS: &[&str] = &[
    "/site-packages/",
    "/dist-packages/",
    "/node_modules/",
    "/bower_components/",
    "/lib/python2",
    "/lib/python3",
    "/lib/pypy",
    "/(webpack)/",
    "/webpack/bootstrap",
    "/webpack/runtime/",
];

/// What names of the runtime's own code, of extensions and of debuggers begin with.
const FOREIGN_PREFIXES: &[&str] = &[
    "<frozen ",
    "<__array_function__",
    "<anonymous>",
    "node:",
    "internal/",
    "native ",
    "extensions::",
    "chrome:",
    "chrome-extension:",
    "moz-extension:",
    "safari-extension:",
    "safari-web-extension:",
    "ms-browser-extension:",
    "webkit-masked-url:",
    "resource:",
    "self-hosted",
    "debugger eval code",
];

/// Hosts that serve other people's packages; their subdomains too.
const CDN_HOSTS: &[&str] = &[
    "unpkg.com",
    "jsdelivr.net",
    "cdnjs.cloudflare.com",
    "esm.sh",
    "skypack.dev",
    "jspm.io",
    "code.jquery.com",
    "ajax.googleapis.com",
    "ajax.aspnetcdn.com",
    "googletagmanager.com",
    "google-analytics.com",
    "bootstrapcdn.com",
    "polyfill.io",
];

/// Whether `file` looks like the application's own code. Unknown places count as its own.
pub fn is_in_app(file: &str) -> bool {
    let file = file.replace('\\', "/");
    let rooted = format!("/{file}");
    let is_library = LIBRARY_FOLDERS.iter().any(|folder| rooted.contains(folder));
    let is_foreign = FOREIGN_PREFIXES.iter().any(|prefix| file.starts_with(prefix));
    let is_from_cdn = host(&file).is_some_and(is_cdn);
    !(is_library || is_foreign || is_from_cdn || is_windows_python(&file) || is_old_node(&file))
}

/// `C:/Python311/Lib/json/decoder.py`: on Windows the standard library has no `python3` below its `Lib`.
fn is_windows_python(file: &str) -> bool {
    let mut before = "";
    file.split('/').any(|folder| {
        let is_lib = folder == "Lib" && before.starts_with("Python");
        before = folder;
        is_lib
    })
}

/// Node before 16 names its own files without any folder, or below `internal/`: `module.js`, `events.js`.
fn is_old_node(file: &str) -> bool {
    [
        "module.js",
        "events.js",
        "net.js",
        "fs.js",
        "timers.js",
        "_stream_readable.js",
        "bootstrap_node.js",
    ]
    .contains(&file)
}

fn is_cdn(host: &str) -> bool {
    CDN_HOSTS.iter().any(|cdn| {
        let subdomain = host.strip_suffix(cdn);
        subdomain.is_some_and(|subdomain| subdomain.is_empty() || subdomain.ends_with('.'))
    })
}

/// The host of a URL, without user and port.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.split(':').next().unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(in_app: bool, files: &[&str]) {
        for file in files {
            assert_eq!(is_in_app(file), in_app, "{file}");
        }
    }

    #[test]
    fn the_applications_own_files_are_in_app() {
        check(
            true,
            &[
                "/srv/shop/shop.py",
                "shop.py",
                r"C:\shop\Lib\shop.py",
                "<string>",
                "<stdin>",
            ],
        );
        check(
            true,
            &[
                "https://shop.example/app.js",
                "webpack:///./src/a.ts?3f2a",
                "file:///srv/a.mjs",
            ],
        );
        check(
            true,
            &[
                "https://notunpkg.com/a.js",
                "http://h/a.js?from=unpkg.com",
                "/srv/lib/python/a.py",
            ],
        );
    }

    #[test]
    fn python_libraries_are_not() {
        check(
            false,
            &[
                "/srv/.venv/lib/python3.11/site-packages/x.py",
                "/usr/lib/python3.13/json/decoder.py",
            ],
        );
        check(
            false,
            &[
                "/usr/lib/python3/dist-packages/x.py",
                "<frozen importlib._bootstrap>",
            ],
        );
        check(
            false,
            &[
                r"C:\Python311\Lib\json\decoder.py",
                r"C:\shop\venv\Lib\site-packages\x.py",
            ],
        );
    }

    #[test]
    fn script_libraries_are_not() {
        check(
            false,
            &[
                "/srv/node_modules/a/b.js",
                "node_modules/a/b.js",
                r"C:\shop\node_modules\a.js",
            ],
        );
        check(
            false,
            &[
                "node:internal/timers",
                "internal/process/task_queues.js",
                "events.js",
                "<anonymous>",
            ],
        );
        check(
            false,
            &[
                "webpack:///./node_modules/a.js",
                "webpack:///webpack/bootstrap",
                "self-hosted",
            ],
        );
    }

    #[test]
    fn extensions_and_content_delivery_networks_are_not() {
        check(
            false,
            &[
                "chrome-extension://abc/a.js",
                "moz-extension://abc/a.js",
                "webkit-masked-url://hidden/",
            ],
        );
        check(
            false,
            &[
                "https://unpkg.com/a@1/b.js",
                "https://cdn.jsdelivr.net:443/npm/a",
                "http://u@esm.sh/a",
            ],
        );
        check(false, &["https://cdnjs.cloudflare.com/ajax/libs/a/1/a.min.js"]);
    }
}
