mod accounts;
mod arbitrary;
mod documents;
mod fixtures;
mod screens;
