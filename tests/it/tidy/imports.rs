//! Which module names which: the paths in the source, followed through re-exports.

use std::collections::{BTreeMap, BTreeSet};

/// The crate as a tree of modules, each by its path: `["engine", "rules", "book"]`; the root is empty.
pub(super) struct Modules {
    named: BTreeMap<Module, Vec<Module>>,
    /// What a module has from elsewhere by `use`: it and the name, and the path that the name stands for.
    imported: BTreeMap<(Module, String), Module>,
}

type Module = Vec<String>;

impl Modules {
    /// Takes files by their paths below `src`, without their tests.
    pub(super) fn read(files: impl Iterator<Item = (String, String)>) -> Self {
        let files: BTreeMap<Module, String> = files
            .filter(|it| it.0 != "main.rs")
            .map(|(file, code)| (module_of(&file), without_comments(&code)))
            .collect();
        let mut it =
            Self { named: files.keys().map(|it| (it.clone(), Vec::new())).collect(), imported: BTreeMap::new() };
        for (module, code) in &files {
            let uses: Vec<Module> = uses(code).iter().map(|path| it.absolute(module, path)).collect();
            for path in &uses {
                if let Some(name) = path.last() {
                    it.imported.insert((module.clone(), name.clone()), path.clone());
                }
            }
            let inline = inline_paths(code).map(|path| it.absolute(module, path)).collect();
            it.named.insert(module.clone(), [uses, inline].concat());
        }
        it
    }

    /// The circles between the children of one folder, as `folder: child, child`. A module and those inside it may name
    /// each other.
    pub(super) fn circles(&self) -> BTreeSet<String> {
        let mut arrows: BTreeMap<&[String], BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
        for (from, paths) in &self.named {
            for to in paths.iter().map(|it| self.resolve(it, 8)) {
                let shared = from.iter().zip(&to).take_while(|it| it.0 == it.1).count();
                if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
                    arrows.entry(&from[..shared]).or_default().entry(one).or_default().insert(other.clone());
                }
            }
        }
        let of_folder = |(folder, arrows): (&[String], _)| {
            let name = if folder.is_empty() { "crate".into() } else { folder.join("/") };
            circles_of(&arrows).into_iter().map(move |it| format!("{name}: {}", it.join(", ")))
        };
        arrows.into_iter().flat_map(of_folder).collect()
    }

    /// A path from the root. One that starts outside the crate is left as it is, and names no module.
    fn absolute(&self, module: &[String], path: &str) -> Module {
        let mut path = path.split("::").map(str::to_owned).peekable();
        let mut base = match path.peek().map(String::as_str) {
            Some("crate") => path.next().map(|_| Vec::new()).unwrap_or_default(),
            Some("super" | "self") => module.to_vec(),
            Some(first) if self.named.contains_key(&child(module, first)) => module.to_vec(),
            _ => Vec::new(),
        };
        while let Some(it) = path.next_if(|it| it == "super" || it == "self") {
            if it == "super" {
                base.pop();
            }
        }
        base.extend(path);
        base
    }

    /// The module that defines what a path names, through at most so many re-exports.
    fn resolve(&self, path: &[String], re_exports: usize) -> Module {
        let mut at = Vec::new();
        for (place, name) in path.iter().enumerate() {
            let inside = child(&at, name);
            if self.named.contains_key(&inside) {
                at = inside;
                continue;
            }
            return match self.imported.get(&(at.clone(), name.clone())) {
                Some(from) if re_exports > 0 => self.resolve(&[from, &path[place + 1..]].concat(), re_exports - 1),
                _ => at,
            };
        }
        at
    }
}

fn child(module: &[String], name: &str) -> Module {
    [module, &[name.to_owned()]].concat()
}

fn module_of(file: &str) -> Module {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').filter(|it| *it != "lib").map(str::to_owned).collect()
}

fn without_comments(code: &str) -> String {
    let lines = code.lines().filter(|it| !it.trim_start().starts_with("//"));
    lines.flat_map(|it| [it, "\n"]).collect()
}

/// The paths of all `use` items, with groups spelled out.
fn uses(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let items = code.split(';').filter_map(|it| it.rsplit_once("use ").filter(|it| is_item(it.0)));
    for (_, tree) in items {
        spell_out("", &tree.replace(" as ", "@").split_whitespace().collect::<String>(), &mut paths);
    }
    paths
}

/// Whether an item may start after this: a line's start, or a visibility.
fn is_item(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with("pub")
}

fn spell_out(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        let name = tree.split('@').next().unwrap_or_default();
        return paths.push(format!("{prefix}{name}").trim_end_matches("::self").to_owned());
    };
    let (mut depth, mut start) = (0, 0);
    let group = group.strip_suffix('}').unwrap_or(group);
    for (at, letter) in group.char_indices().chain([(group.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spell_out(&format!("{prefix}{head}"), &group[start..at], paths);
                start = at + 1;
            }
            _ => (),
        }
    }
}

/// The paths that stand in code and start at the root or a parent.
fn inline_paths(code: &str) -> impl Iterator<Item = &str> {
    let starts = ["crate::", "super::"].into_iter().flat_map(|it| code.match_indices(it)).map(|it| it.0);
    starts.filter(|it| !code[..*it].ends_with("::")).map(|start| {
        let rest = &code[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
        rest[..end].trim_end_matches(':')
    })
}

/// The sets of names that reach each other.
fn circles_of<'a>(arrows: &BTreeMap<&'a str, BTreeSet<String>>) -> BTreeSet<Vec<&'a str>> {
    let reached = |from: &str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(at) = next.pop() {
            next.extend(arrows.get(&*at).into_iter().flatten().filter(|it| seen.insert((*it).clone())).cloned());
        }
        seen
    };
    let reach: BTreeMap<&str, _> = arrows.keys().map(|it| (*it, reached(it))).collect();
    let circle = |one: &str| {
        let both = |other: &&&str| reach[one].contains(**other) && reach[**other].contains(one);
        reach.keys().filter(both).copied().collect::<Vec<_>>()
    };
    arrows.keys().map(|it| circle(it)).filter(|it| !it.is_empty()).collect()
}

#[test]
fn circles_are_seen_through_groups_and_re_exports() {
    let files = [
        ("lib.rs", "pub mod a;\npub mod b;\n"),
        ("a/mod.rs", "mod one;\nmod two;\npub(crate) use one::One;\npub use two::Two;\n"),
        ("a/one.rs", "use std::fmt;\nuse super::{self, Two as Other};\n"),
        ("a/two.rs", "// crate::b\nfn two() -> crate::a::One { todo!() }\n"),
        ("b.rs", "use crate::a::{One,\n    two::{Two}};\n"),
    ];
    let modules = Modules::read(files.iter().map(|it| (it.0.into(), it.1.into())));
    assert_eq!(modules.circles(), BTreeSet::from(["a: one, two".to_owned()]));
}
