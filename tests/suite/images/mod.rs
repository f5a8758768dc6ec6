//! Images on their way into AWS, as far as the stand-in is AWS: what it does of EBS
//! direct and of images is told in its README. No link is slow here, and no server of
//! AWS's lags behind another unless a test asks for it.

mod archive;
mod build;
mod channels;
mod kept;
mod killed;
mod left;
mod otherwise;
mod place;
mod plan;
mod promote;
mod prune;
mod publish;
mod regions;
mod registry;
mod upload;
