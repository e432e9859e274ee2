//! A story: a setting, and what happens one after the other.

use std::fmt;
use std::str::FromStr;

use crate::random::Random;
use crate::setting::Setting;
use crate::turn::Turn;

/// Everything that a run depends on. Its text is all that is needed to play it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    pub setting: Setting,
    pub turns: Vec<Turn>,
}

impl Story {
    /// The story of one seed, with at most so many turns.
    pub fn of(seed: u64, turns: u32) -> Self {
        let mut random = Random::of(seed);
        let setting = Setting::any(&mut random);
        let length = random.below(turns + 1);
        let turns = (0..length).map(|_| Turn::any(&setting, &mut random)).collect();
        Self { setting, turns }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.setting)?;
        let turns: Vec<String> = self.turns.iter().map(|turn| format!(" {turn}")).collect();
        f.write_str(&turns.join(";"))
    }
}

impl FromStr for Story {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (setting, turns) = text.split_once(':').ok_or("a story is a setting, a colon, and turns")?;
        let turns = turns.split(';').map(str::trim).filter(|turn| !turn.is_empty());
        Ok(Self { setting: setting.parse()?, turns: turns.map(str::parse).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_story_is_the_story() {
        for seed in 0..200 {
            let story = Story::of(seed, 60);
            assert_eq!(story.to_string().parse(), Ok(story));
        }
    }
}
