//! A table with a header, of the product, a directory, PowerShell or a person.

use super::{Imported, Row, columns, plain};

/// A table whose header is the line of that index. `delimiter`: what the file says of it.
pub(super) fn rows(
    text: &str,
    header: usize,
    delimiter: Option<u8>,
    imported: &mut Imported,
) -> Result<Vec<Row>, String> {
    let body: usize = text.split_inclusive('\n').take(header).map(str::len).sum();
    let first = text[body..].lines().next().unwrap_or_default();
    let most = || [b',', b';', b'\t'].into_iter().max_by_key(|it| first.bytes().filter(|b| b == it).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.or_else(most).unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(&text.as_bytes()[body..]);
    let columns: Vec<String> = reader
        .headers()
        .map_err(|error| format!("the header cannot be read: {error}"))?
        .iter()
        .map(Into::into)
        .collect();
    columns.iter().for_each(|it| imported.met(it));
    let names: Vec<String> = columns.iter().map(|it| plain(it)).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, |it| line_of(it.line(), header));
                imported.leave_out(line, format!("it cannot be read: {error}"));
                continue;
            }
        };
        let line = record.position().map_or(0, |it| line_of(it.line(), header));
        if record.len() > columns.len() {
            imported.leave_out(line, format!("it has {} cells, and there are {} columns", record.len(), columns.len()));
            continue;
        }
        let cells: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(&record).filter(|it| !it.1.is_empty()).collect();
        if cells.is_empty() {
            continue;
        }
        match columns::row(line, &cells) {
            Ok(row) => rows.push(row),
            Err(reason) => imported.leave_out(line, reason),
        }
    }
    Ok(rows)
}

fn line_of(line: u64, header: usize) -> usize {
    usize::try_from(line).unwrap_or_default() + header
}
