//! What an attribute is: its type, its words, and what changing it costs. Layer 1.
