//! What visitors do: mostly look, sometimes search, seldom write.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::rhythm::Moment;

const TIME_LIMIT: Duration = Duration::from_secs(15);
const USERS_AT_FIRST: usize = 5;
const RECIPES_AT_FIRST: usize = 20;
/// Of those that can be visited again, the newest.
const MOST_REMEMBERED: usize = 1_000;
const DISHES: [&str; 8] = ["soup", "curry", "ramen", "salad", "gratin", "tempura", "stew", "risotto"];
const INGREDIENTS: [&str; 8] = ["miso", "tomato", "mushroom", "leek", "salmon", "tofu", "pumpkin", "ginger"];
/// In a thousand, the rest are views.
const REGISTER: u32 = 20;
const CREATE: u32 = 40;
const RATE: u32 = 90;
const SEARCH: u32 = 250;
/// Views of a recipe that is not there.
const LOST: f64 = 0.01;

/// What one visitor is about to do.
#[derive(Debug)]
pub struct Visit {
    action: Action,
    fault: Option<String>,
}

#[derive(Debug)]
enum Action {
    Register { name: String },
    Create { user: u64, title: String, ingredients: Vec<&'static str> },
    Search { wanted: &'static str },
    View { recipe: u64 },
    Rate { user: u64, recipe: u64, stars: u32 },
}

/// All visitors of one site.
#[derive(Debug)]
pub struct Visitors {
    client: Client,
    site: Url,
    /// Makes the addresses of this run unlike those of others.
    run: u64,
    count: AtomicU64,
    users: Mutex<Vec<u64>>,
    recipes: Mutex<Vec<u64>>,
}

impl Visitors {
    pub fn new(site: Url, run: u64) -> Result<Self, Box<dyn Error>> {
        // Another part of the program may have chosen one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(TIME_LIMIT).no_proxy().build()?;
        let (users, recipes) = (Mutex::default(), Mutex::default());
        Ok(Self { client, site, run, count: AtomicU64::new(0), users, recipes })
    }

    /// The first users and their recipes.
    pub async fn settle(&self, chance: &mut Chance) -> Result<(), Box<dyn Error>> {
        for _ in 0..USERS_AT_FIRST {
            self.send(&self.register(chance), None).await?;
        }
        for _ in 0..RECIPES_AT_FIRST {
            self.send(&self.create(chance), None).await?;
        }
        match remembered(&self.recipes).is_empty() {
            true => Err("the site takes no recipes; its log may say why".into()),
            false => Ok(()),
        }
    }

    /// What comes next at such a moment.
    pub fn choose(&self, moment: &Moment, chance: &mut Chance) -> Visit {
        let dice = chance.below(1_000);
        let action = if dice < REGISTER {
            self.register(chance)
        } else if dice < REGISTER + CREATE {
            self.create(chance)
        } else if dice < REGISTER + CREATE + RATE {
            Action::Rate {
                user: any(&self.users, chance),
                recipe: any(&self.recipes, chance),
                stars: 1 + chance.below(5),
            }
        } else if dice < REGISTER + CREATE + RATE + SEARCH {
            Action::Search { wanted: chance.one_of(&INGREDIENTS).copied().unwrap_or_default() }
        } else {
            Action::View { recipe: if chance.happens(LOST) { 0 } else { any(&self.recipes, chance) } }
        };
        let is_slow = matches!(action, Action::Search { .. }) && chance.happens(moment.slow);
        let fault = match (chance.happens(moment.failing), is_slow) {
            (true, _) => Some("fail".to_owned()),
            (false, true) => Some(format!("slow={}", 200 + chance.below(1_800))),
            (false, false) => None,
        };
        Visit { action, fault }
    }

    /// Does it. That it fails is what bursts of errors are for.
    pub async fn make(&self, visit: Visit) {
        let _ = self.send(&visit.action, visit.fault).await;
    }

    fn register(&self, chance: &mut Chance) -> Action {
        Action::Register { name: format!("visitor {}", chance.below(1 << 30)) }
    }

    fn create(&self, chance: &mut Chance) -> Action {
        let ingredients: Vec<_> = (0..3).filter_map(|_| chance.one_of(&INGREDIENTS).copied()).collect();
        let dish = chance.one_of(&DISHES).copied().unwrap_or_default();
        let title = format!("{dish} with {}", ingredients.first().copied().unwrap_or_default());
        Action::Create { user: any(&self.users, chance), title, ingredients }
    }

    async fn send(&self, action: &Action, fault: Option<String>) -> Result<(), Box<dyn Error>> {
        let request = match action {
            Action::Register { name } => {
                let number = self.count.fetch_add(1, Ordering::Relaxed);
                let email = format!("visitor-{}-{number}@example.com", self.run);
                self.post("users", &json!({ "name": name, "email": email }))?
            }
            Action::Create { user, title, ingredients } => {
                let steps = "Cut, cook, season, serve.";
                let recipe = json!({ "user_id": user, "title": title, "ingredients": ingredients, "steps": steps });
                self.post("recipes", &recipe)?
            }
            Action::Search { wanted } => self.client.get(self.site.join(&format!("recipes?search={wanted}"))?),
            Action::View { recipe } => self.client.get(self.site.join(&format!("recipes/{recipe}"))?),
            Action::Rate { user, recipe, stars } => {
                self.post(&format!("recipes/{recipe}/ratings"), &json!({ "user_id": user, "stars": stars }))?
            }
        };
        let request = match fault {
            Some(fault) => request.header("x-fault", fault),
            None => request,
        };
        let answer: Value = serde_json::from_slice(&request.send().await?.bytes().await?)?;
        let known = match action {
            Action::Register { .. } => &self.users,
            Action::Create { .. } => &self.recipes,
            Action::Search { .. } | Action::View { .. } | Action::Rate { .. } => return Ok(()),
        };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(answer.get("id").and_then(Value::as_u64));
        let surplus = known.len().saturating_sub(MOST_REMEMBERED);
        known.drain(..surplus);
        Ok(())
    }

    fn post(&self, path: &str, body: &Value) -> Result<RequestBuilder, Box<dyn Error>> {
        let request = self.client.post(self.site.join(path)?).header("content-type", "application/json");
        Ok(request.body(body.to_string()))
    }
}

fn remembered(known: &Mutex<Vec<u64>>) -> Vec<u64> {
    known.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn any(known: &Mutex<Vec<u64>>, chance: &mut Chance) -> u64 {
    chance.one_of(&known.lock().unwrap_or_else(PoisonError::into_inner)).copied().unwrap_or_default()
}
