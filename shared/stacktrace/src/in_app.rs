//! Whether a frame is the application's own: by its path or URL alone, or by what else its dialect names.

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

/// Packages of the Java runtime, of Kotlin and of the frameworks that most applications run in.
const JAVA_PACKAGES: &[&str] = &[
    "java",
    "javax",
    "jakarta",
    "sun",
    "jdk",
    "com.sun",
    "kotlin",
    "kotlinx",
    "scala",
    "groovy",
    "clojure",
    "android",
    "androidx",
    "dalvik",
    "com.android",
    "com.google",
    "org.springframework",
    "org.apache",
    "org.eclipse",
    "org.hibernate",
    "org.jboss",
    "org.junit",
    "org.gradle",
    "org.slf4j",
    "ch.qos.logback",
    "com.fasterxml",
    "com.zaxxer",
    "com.mysql",
    "org.postgresql",
    "org.h2",
    "io.netty",
    "io.undertow",
    "io.vertx",
    "io.micrometer",
    "io.ktor",
    "io.quarkus",
    "io.micronaut",
    "io.grpc",
    "io.reactivex",
    "reactor",
    "akka",
    "okhttp3",
    "okio",
    "retrofit2",
    "junit",
    "jdk.internal",
    "net.bytebuddy",
    "org.mockito",
];

/// By the class's full name.
pub(crate) fn java(class: &str) -> bool {
    let is_generated = class.contains("$$EnhancerBySpring") || class.contains("$$FastClassBySpring");
    let is_library = JAVA_PACKAGES.iter().any(|package| is_within(class, package, "."));
    !(is_library || is_generated)
}

/// Whether `name` is `outer` or something inside of it.
fn is_within(name: &str, outer: &str, separator: &str) -> bool {
    let rest = name.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(separator))
}

/// First parts of the packages of Go's standard library.
const GO_PACKAGES: &[&str] = &[
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "weak",
];

/// By package and file. The standard library is in `…/src/`, or nowhere when built with `-trimpath`; an application
/// may have a package `log` of its own elsewhere.
pub(crate) fn go(package: &str, file: &str) -> bool {
    let file = file.replace('\\', "/");
    let is_module = ["/pkg/mod/", "/vendor/", "@v"]
        .iter()
        .any(|mark| file.contains(mark));
    let first = package.split('/').next().unwrap_or(package);
    let may_be_standard = package.is_empty() || GO_PACKAGES.contains(&first);
    let is_rooted = file.starts_with('/') || file.get(1..2) == Some(":");
    let in_root = file.contains("/src/runtime/") || file.contains(&format!("/src/{package}/"));
    let is_generated = file == "<autogenerated>" || file == "_cgo_gotypes.go";
    !(is_module || is_generated || (may_be_standard && (!is_rooted || in_root)))
}

/// Crates that come with Rust, or that nearly every asynchronous program stands on.
const RUST_CRATES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "proc_macro",
    "test",
    "backtrace",
    "__rustc",
    "rust_begin_unwind",
    "rust_panic",
    "tokio",
    "hyper",
    "hyper_util",
    "futures_util",
    "futures_core",
    "rayon",
    "rayon_core",
    "axum",
    "actix_web",
    "anyhow",
    "eyre",
    "color_eyre",
];

/// Names of the C runtime below `main`.
const C_START: &[&str] = &[
    "main",
    "_start",
    "start",
    "start_thread",
    "clone",
    "clone3",
    "<unknown>",
];

/// By file when there is one, else by the crate that the function's path begins with.
pub(crate) fn rust(function: &str, file: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "/rustc/",
        "/.cargo/registry/",
        "/.cargo/git/",
        "/rustlib/src/",
        "/vendor/",
        "/csu/",
    ];
    let path = format!("/{}", file.replace('\\', "/"));
    if FOLDERS.iter().any(|folder| path.contains(folder)) {
        return false;
    }
    let start = function.trim_start_matches(['<', '&', '*', '(', '[']);
    let start = start.strip_prefix("dyn ").unwrap_or(start);
    let is_runtime = C_START.contains(&function) || function.starts_with("__libc_");
    let is_library = RUST_CRATES.iter().any(|name| is_within(start, name, "::"));
    !(is_runtime || (is_library && file.is_empty()))
}

/// By file: gems, the standard library, and methods written in C or in Ruby inside the interpreter.
pub(crate) fn ruby(file: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "/gems/",
        "/lib/ruby/",
        "/rubygems/",
        "/bundler/",
        "/vendor/bundle/",
        "/<internal:",
    ];
    let path = format!("/{}", file.replace('\\', "/"));
    !FOLDERS.iter().any(|folder| path.contains(folder))
}

/// By file: Composer's packages; PHP's own functions have none.
pub(crate) fn php(file: &str) -> bool {
    let path = format!("/{}", file.replace('\\', "/"));
    !(file.is_empty() || path.contains("/vendor/") || file.starts_with("phar:"))
}

/// Namespaces of .NET and of the packages that most of its applications use.
const DOTNET_NAMESPACES: &[&str] = &[
    "System",
    "Microsoft",
    "Windows",
    "Mono",
    "MS",
    "Interop",
    "Internal",
    "FSharp",
    "Newtonsoft",
    "Npgsql",
    "MySql",
    "MySqlConnector",
    "Dapper",
    "Serilog",
    "NLog",
    "Xunit",
    "NUnit",
    "Polly",
    "MediatR",
    "Autofac",
    "AutoMapper",
    "Castle",
    "Grpc",
    "MassTransit",
    "RabbitMQ",
    "StackExchange",
    "Swashbuckle",
    "FluentValidation",
];

/// By the class's full name; `lambda_method3` is what expression trees are compiled to.
pub(crate) fn dotnet(class: &str) -> bool {
    let is_library = DOTNET_NAMESPACES.iter().any(|name| is_within(class, name, "."));
    !(is_library || class.is_empty())
}

/// Images of the operating systems that Swift runs on.
const SWIFT_IMAGES: &[&str] = &[
    "UIKit",
    "UIKitCore",
    "AppKit",
    "Foundation",
    "CoreFoundation",
    "CFNetwork",
    "CoreData",
    "CoreGraphics",
    "CoreAutoLayout",
    "CoreText",
    "Combine",
    "SwiftUI",
    "SwiftUICore",
    "AttributeGraph",
    "SwiftData",
    "QuartzCore",
    "HIToolbox",
    "GraphicsServices",
    "FrontBoardServices",
    "BackBoardServices",
    "RunningBoardServices",
    "WebKit",
    "JavaScriptCore",
    "Security",
    "StoreKit",
    "AVFCore",
    "Metal",
    "UIFoundation",
    "UpdateCycle",
    "dyld",
    "dyld_sim",
    "ld.so",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "???",
];

/// By the image: `libswiftCore.dylib`, `UIKitCore`, or the application's own.
pub(crate) fn swift(image: &str) -> bool {
    const LIBRARIES: &[&str] = &[
        "libswift",
        "libsystem_",
        "libdispatch",
        "libdyld",
        "libobjc",
        "libc.",
        "libc++",
        "libFoundation",
        "libpthread",
        "libicu",
        "libXCTest",
        "lib_Internal",
        "lib_Foundation",
        "libBacktraceRecording",
    ];
    let is_library = LIBRARIES.iter().any(|start| image.starts_with(start));
    !(is_library || image.is_empty() || SWIFT_IMAGES.contains(&image))
}

/// Applications of Erlang and Elixir themselves and of the packages that most of theirs use.
const ELIXIR_APPS: &[&str] = &[
    "elixir",
    "iex",
    "mix",
    "logger",
    "eex",
    "ex_unit",
    "stdlib",
    "kernel",
    "erts",
    "compiler",
    "crypto",
    "ssl",
    "inets",
    "public_key",
    "phoenix",
    "phoenix_html",
    "phoenix_live_view",
    "phoenix_pubsub",
    "phoenix_ecto",
    "plug",
    "plug_cowboy",
    "plug_crypto",
    "cowboy",
    "cowlib",
    "ranch",
    "bandit",
    "thousand_island",
    "ecto",
    "ecto_sql",
    "db_connection",
    "postgrex",
    "myxql",
    "decimal",
    "jason",
    "telemetry",
    "oban",
    "absinthe",
    "gen_stage",
    "broadway",
    "finch",
    "mint",
    "req",
    "tesla",
    "hackney",
    "httpoison",
    "swoosh",
    "nimble_pool",
    "gettext",
];

/// By OTP application and file; a frame with neither is Erlang's when its module is written `:lists`.
pub(crate) fn elixir(app: &str, module: &str, file: &str) -> bool {
    let is_dependency = format!("/{file}").contains("/deps/") || ELIXIR_APPS.contains(&app);
    let is_builtin = app.is_empty() && file.is_empty() && module.starts_with(':');
    !(is_dependency || is_builtin)
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

    #[test]
    fn java_goes_by_the_class() {
        assert!(java("shop.Basket") && java("javafun.Basket") && java("sunny.Day"));
        let libraries = [
            "java.lang.Thread",
            "kotlin.UInt",
            "org.springframework.web.Filter",
        ];
        assert!(!libraries.into_iter().any(java) && !java("shop.Basket$$EnhancerBySpringCGLIB$$1"));
    }

    #[test]
    fn go_goes_by_package_and_file() {
        assert!(go("main", "/srv/shop/main.go") && go("example.com/shop/log", "/srv/shop/log/log.go"));
        assert!(
            go("log", "/srv/shop/log/log.go") && go("github.com/me/shop", "/go/src/github.com/me/shop/a.go")
        );
        assert!(!go("net/http", "/usr/local/go/src/net/http/server.go") && !go("fmt", "fmt/print.go"));
        assert!(!go("", "/opt/go/1.22/x64/src/runtime/panic.go"));
        assert!(!go(
            "github.com/lib/pq",
            "/go/pkg/mod/github.com/lib/pq@v1.10.0/conn.go"
        ));
        assert!(!go("github.com/lib/pq", "github.com/lib/pq@v1.10.0/conn.go"));
        assert!(!go(
            "github.com/lib/pq",
            "/srv/shop/vendor/github.com/lib/pq/conn.go"
        ));
    }

    #[test]
    fn rust_goes_by_file_or_crate() {
        assert!(rust("shop::pay", "./src/main.rs") && rust("<shop::Basket as core::fmt::Display>::fmt", ""));
        assert!(rust("standard::f", "") && rust("core::ops::FnOnce::call_once", "src/main.rs"));
        assert!(!rust("core::panicking::panic", "") && !rust("<alloc::vec::Vec<T> as A>::f", ""));
        assert!(!rust(
            "serde::f",
            "/home/app/.cargo/registry/src/index.crates.io-1/serde-1.0.0/src/a.rs"
        ));
        assert!(!rust("f", "/rustc/0123/library/std/src/rt.rs") && !rust("_start", "") && !rust("main", ""));
    }

    #[test]
    fn ruby_and_php_go_by_file() {
        assert!(ruby("app/models/basket.rb") && php("/srv/shop/src/Basket.php") && php(r"C:\shop\a.php"));
        assert!(!ruby("/usr/lib/ruby/3.1.0/json/common.rb") && !ruby("<internal:kernel>"));
        assert!(!ruby("/srv/bundle/ruby/3.3.0/gems/rack-3.0.0/lib/rack.rb") && !ruby("gems/a/b.rb"));
        assert!(!php("/srv/shop/vendor/symfony/a.php") && !php("") && !php("vendor/a.php"));
    }

    #[test]
    fn dotnet_and_swift_go_by_name() {
        assert!(dotnet("Shop.Basket") && dotnet("Systematic.Shop") && swift("Shop"));
        assert!(!dotnet("System.Int32") && !dotnet("Microsoft.AspNetCore.Builder.X") && !dotnet(""));
        assert!(!swift("libswiftCore.dylib") && !swift("UIKitCore") && !swift("libdyld.dylib"));
    }

    #[test]
    fn elixir_goes_by_the_otp_application() {
        assert!(elixir("shop", "Shop.Basket", "lib/shop.ex") && elixir("", "Shop", "shop.exs"));
        assert!(elixir("", "Shop", "") && !elixir("", ":erlang", ""));
        assert!(!elixir("stdlib", ":gen", "gen.erl") && !elixir("", "Plug", "deps/plug/lib/plug.ex"));
    }
}
