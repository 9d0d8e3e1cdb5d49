//! The page: a client of the admin API in the browser, whose files are in the program.
//!
//! All files but `index.html` stand below `/page/HASH/`, where HASH is a hash of all of them, so that browsers keep
//! them for ever and never mix two versions. The page makes its requests to the API itself; nothing is rendered here.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// A file of the page.
struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal => $content_type:ident,)*) => {
        const FILES: &[File] = &[$(File {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../page/", $name)),
        }),*];
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

files! {
    "style.css" => STYLE,
    "icon.svg" => PICTURE,
    "main.js" => SCRIPT,
    "api.js" => SCRIPT,
    "calls.js" => SCRIPT,
    "incidents.js" => SCRIPT,
    "people.js" => SCRIPT,
    "phone.js" => SCRIPT,
    "play.js" => SCRIPT,
    "scenario.js" => SCRIPT,
    "sound.js" => SCRIPT,
    "stage.js" => SCRIPT,
    "store.js" => SCRIPT,
    "stream.js" => SCRIPT,
    "ui.js" => SCRIPT,
    "vendor/htm.mjs" => SCRIPT,
    "vendor/preact.mjs" => SCRIPT,
}

/// The document, in which `{page}` stands for the folder of the files.
const INDEX: &str = include_str!("../../page/index.html");

/// The page as it is served.
struct Page {
    /// The name of the folder: a hash of all files.
    hash: String,
    /// In the order of [`FILES`].
    bodies: Vec<Bytes>,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let bodies: Vec<Bytes> = FILES.iter().map(File::served).collect();
    let mut hash = Sha256::new();
    hash.update(INDEX);
    for (file, body) in FILES.iter().zip(&bodies) {
        hash.update(file.name);
        hash.update([0]);
        hash.update(body);
    }
    Page { hash: data_encoding::HEXLOWER.encode(&hash.finalize()[..8]), bodies }
});

impl File {
    /// The file as it is served: our own scripts and style without comments and indents, which browsers do not need.
    fn served(&self) -> Bytes {
        if self.content_type == PICTURE || self.name.starts_with("vendor/") {
            return Bytes::from_static(self.bytes);
        }
        let mut rest = std::str::from_utf8(self.bytes).expect("the page is UTF-8");
        if self.content_type == STYLE {
            // In the style, a comment is a line of its own, a line ends where a blank may be missing, and no string
            // holds a mark with a blank.
            let lines = rest.lines().map(str::trim).filter(|it| !it.starts_with("/*"));
            let marks = [("; ", ";"), (": ", ":"), (", ", ","), (" {", "{"), ("{ ", "{"), (" }", "}"), (";}", "}")];
            return replaced(lines.collect(), &marks).into();
        }
        let mut code = String::new();
        while let Some((before, comment)) = rest.split_once("/**") {
            code.push_str(before);
            rest = comment.split_once("*/").map_or("", |it| it.1);
        }
        code.push_str(rest);
        let lines = code.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with("//"));
        // After these marks, neither the language nor a text needs the end of the line.
        let end = |line: &str| if line.ends_with([';', '{', ',']) { "" } else { "\n" };
        let lines = lines.fold(String::new(), |text, line| text + line + end(line));
        // Marks that stand in no text for people: that keeps its blanks.
        let operators =
            [" => ", " = ", " += ", " === ", " !== ", " && ", " || ", " ?? ", " ? ", " : ", " + ", ") {", "({ ", " })"];
        let words = ["if (", "for (", "catch (", "async (", "try {", "import { ", " } from \""];
        let marks: Vec<_> = operators.into_iter().chain(words).map(|it| (it, it.replace(' ', ""))).collect();
        replaced(lines, &marks).into()
    }
}

/// A text in which each mark is another one, in that order.
fn replaced(text: String, marks: &[(&str, impl AsRef<str>)]) -> String {
    marks.iter().fold(text, |it, (from, to)| it.replace(from, to.as_ref()))
}

/// The security headers of every answer of the page. Scripts come from this server alone, and text becomes HTML nowhere.
pub(super) const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), \
         clipboard-write=(self), fullscreen=(self), screen-wake-lock=(self)",
    ),
];

/// Whether a path is of the page. Its files hold no secret, so they need no token.
pub(super) fn is_of_page(path: &str) -> bool {
    path == "/" || path.starts_with("/page/")
}

/// The routes of the page.
pub(super) fn router() -> Router {
    Router::new().route("/", get(index)).route("/page/{hash}/{*name}", get(file))
}

async fn index(headers: HeaderMap) -> Response {
    let tag = format!("\"{}\"", PAGE.hash);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|it| it.as_bytes() == tag.as_bytes());
    let mut answer = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => INDEX.replace("{page}", &format!("/page/{}", PAGE.hash)).into_response(),
    };
    let tag = HeaderValue::try_from(tag).expect("it is hexadecimal");
    dress(&mut answer, "text/html; charset=utf-8", "no-cache");
    answer.headers_mut().insert(header::ETAG, tag);
    answer
}

async fn file(Path((hash, name)): Path<(String, String)>) -> Response {
    let found = FILES.iter().zip(&PAGE.bodies).find(|it| hash == PAGE.hash && it.0.name == name);
    let Some((file, body)) = found else { return StatusCode::NOT_FOUND.into_response() };
    let mut answer = body.clone().into_response();
    dress(&mut answer, file.content_type, "public, max-age=31536000, immutable");
    answer
}

fn dress(answer: &mut Response, content_type: &'static str, cache: &'static str) {
    let own = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, cache)];
    for (name, value) in own.into_iter().chain(HEADERS) {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_page_take_less_than_100_kb() {
        let bytes = INDEX.len() + PAGE.bodies.iter().map(Bytes::len).sum::<usize>();
        assert!(bytes < 100_000, "{bytes} bytes");
    }

    #[test]
    fn the_page_has_no_script_in_its_html_and_makes_none_of_text() {
        let forbidden = [" on", "javascript:", "http:", "https:", "<style"];
        for line in INDEX.lines() {
            let is_bad = forbidden.iter().any(|it| line.contains(it) && !line.trim_start().starts_with("<p"));
            assert!(!is_bad, "{line}");
            assert!(!line.contains("<script") || line.contains("src=") && line.contains("></script>"), "{line}");
        }
        let own = FILES.iter().filter(|it| !it.name.starts_with("vendor/"));
        for file in own.filter(|it| it.content_type == SCRIPT) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for word in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(", "http://"]
            {
                assert!(!text.contains(word), "{} has {word}", file.name);
            }
        }
    }

    #[test]
    fn every_file_that_the_page_loads_is_in_the_program() {
        let names: Vec<&str> = FILES.iter().map(|it| it.name).collect();
        for file in FILES.iter().filter(|it| it.content_type == SCRIPT && !it.name.starts_with("vendor/")) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for import in text.lines().filter_map(|it| it.split_once(" from \"./")).map(|it| it.1) {
                let name = import.split('"').next().unwrap();
                assert!(names.contains(&name), "{} imports {name}", file.name);
            }
        }
        for part in INDEX.split("{page}/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(names.contains(&name), "{name}");
        }
    }
}
