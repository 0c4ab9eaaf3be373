//! What comes out of compressed files and archives, and what does not.

mod ahead;
mod archives;
mod bombs;
mod codecs;
mod nested;
mod support;
