//! What statements mean, sentence by sentence.
