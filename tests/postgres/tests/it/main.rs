//! A database on each way, and no trace of it afterwards.
#![cfg(unix)]

mod clearing;
mod databases;
mod given;
mod hold;
mod ways;
