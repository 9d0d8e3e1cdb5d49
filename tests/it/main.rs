//! Tests of the whole library that are not transcripts.

mod scenario;
