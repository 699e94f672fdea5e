//! The state between requests: the open store, and the transaction if one is open.

use image_store::{Access, ImageStore, Result, Transaction};

use super::change::change;
use super::fields::{BadRequest, Fields};
use super::lines::Line;
use super::look::look;
use super::reply::{Answer, Refusal, Reply, json};
use super::request::{Change, Control, Look, Op, Request, seq};
use crate::cli::context::Context;

pub(super) struct Session<'a> {
    // Before the store, so that it is rolled back first when the session is dropped.
    transaction: Option<Transaction>,
    /// `None` after a `reopen` that failed, until opening succeeds.
    store: Option<ImageStore>,
    access: Access,
    context: &'a Context,
}

impl<'a> Session<'a> {
    pub(super) fn open(context: &'a Context, access: Access) -> Result<Self> {
        Ok(Self {
            transaction: None,
            store: Some(context.open_with(access)?),
            access,
            context,
        })
    }

    /// Carries out what a line asks for.
    pub(super) fn answer(&mut self, line: Line<'_>) -> Reply {
        let mut fields = match read(line) {
            Ok(fields) => fields,
            Err(error) => {
                return Reply {
                    seq: None,
                    answer: Err(error.into()),
                };
            }
        };
        Reply {
            seq: seq(&mut fields),
            answer: self.carry_out(fields),
        }
    }

    fn carry_out(&mut self, mut fields: Fields<'_>) -> Answer {
        let op = Op::of(&mut fields)?;
        if op.changes() && self.context.read_only() {
            return Err(Refusal::read_only(self.context.store()));
        }
        match Request::read(op, fields)? {
            Request::Look(question) => self.look(&question),
            Request::Change(step) => self.change(step),
            Request::Control(control) => {
                self.control(control)?;
                json(&())
            }
        }
    }

    fn look(&mut self, question: &Look) -> Answer {
        match &self.transaction {
            Some(transaction) => look(transaction, question),
            None => look(&self.store()?.read()?, question),
        }
    }

    fn change(&mut self, step: Change) -> Answer {
        if let Some(transaction) = &mut self.transaction {
            return change(transaction, step);
        }
        let mut transaction = self.store()?.write()?;
        let value = change(&mut transaction, step)?;
        transaction.commit()?;
        Ok(value)
    }

    fn control(&mut self, control: Control) -> Result<(), Refusal> {
        match control {
            Control::Begin | Control::Reopen if self.transaction.is_some() => {
                return Err(Refusal::transaction_open());
            }
            Control::Begin => self.transaction = Some(self.store()?.write()?),
            Control::Commit => self.end()?.commit()?,
            Control::Abort => drop(self.end()?),
            Control::Reopen => {
                self.store = None;
                self.store()?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<Transaction, Refusal> {
        self.transaction.take().ok_or_else(Refusal::no_transaction)
    }

    fn store(&mut self) -> Result<&ImageStore> {
        match &mut self.store {
            Some(store) => Ok(store),
            closed => Ok(closed.insert(self.context.open_with(self.access)?)),
        }
    }
}

fn read(line: Line<'_>) -> Result<Fields<'_>, BadRequest> {
    match line {
        Line::Whole(bytes) => {
            let text = std::str::from_utf8(bytes)
                .map_err(|error| BadRequest(format!("the line is not UTF-8: {error}")))?;
            Fields::of(text, "")
        }
        Line::TooLong(limit) => Err(BadRequest(format!(
            "the line is longer than {limit} bytes; allow more with --max-line"
        ))),
    }
}
