mod arbitrary;
mod fixtures;
mod screens;
