//! What can be seen of a pool.

use std::time::Instant;

use super::members::{Key, Member, Place};
use super::{Ledger, Phase};
use crate::{MemberInfo, MemberStatus, PoolInfo, PoolStats};

impl<T> Ledger<T> {
    pub(crate) const fn stats(&self) -> PoolStats {
        self.counts
    }

    pub(crate) fn member_info(&self, key: Key, now: Instant) -> Option<MemberInfo> {
        self.members.get(key).map(|member| of(member, now))
    }

    pub(crate) fn info(&self, now: Instant) -> PoolInfo {
        let members = self.members.iter().map(|(_, member)| of(member, now));
        let mut members: Vec<_> = members.collect();
        members.sort_unstable_by_key(|member| member.id);
        PoolInfo {
            open: self.phase == Phase::Open,
            size: self.terms.size,
            max_overflow: self.terms.max_overflow,
            available: self.idle.len(),
            in_use: self.in_use(),
            checking: self.away,
            starting: self.starting,
            closing: self.closing,
            waiting: self.line.len(),
            last_failure: self.failure.clone(),
            members,
        }
    }
}

fn of<T>(member: &Member<T>, now: Instant) -> MemberInfo {
    let (out_for, taken_at) = match member.place {
        Place::Out { since, caller, .. } => {
            (Some(now.saturating_duration_since(since)), Some(caller))
        }
        _ => (None, None),
    };
    MemberInfo {
        id: member.id,
        pid: member.pid.clone(),
        status: match member.place {
            Place::Idle => MemberStatus::Idle,
            Place::Given { .. } | Place::Out { .. } => MemberStatus::InUse,
            Place::Away => MemberStatus::Checking,
        },
        out_for,
        taken_at,
        alive: !member.is_dead(),
        jobs: member.jobs,
        age: now.saturating_duration_since(member.born),
    }
}
