//! Answers that teach: edits that are offered, tried on the sources.
