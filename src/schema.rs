//! What resource types look like and what a resolved project is. Layer 1: knows neither syntax nor AWS.

pub mod ask;
pub mod attr;
pub mod cut;
pub mod model;
pub mod resources;
pub mod same;
pub mod value;
