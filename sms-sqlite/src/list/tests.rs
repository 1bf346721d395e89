use super::*;

fn counts(of: &[(State, u64)]) -> StateCounts {
    let mut counts = StateCounts::default();
    for (state, count) in of {
        counts.set(*state, *count);
    }
    counts
}

fn in_states(states: &[State]) -> ListFilter {
    ListFilter {
        states: states.to_vec(),
        ..ListFilter::default()
    }
}

#[test]
fn the_cheapest_source_is_chosen() {
    let counts = counts(&[
        (State::Delivered, 1_000_000),
        (State::Sent, 2_000),
        (State::Sending, 10),
        (State::Failed, 5),
        (State::Expired, 7),
    ]);
    for (filter, expected) in [
        (ListFilter::default(), vec![Source::All]),
        (in_states(&[State::Queued]), vec![]),
        (
            in_states(&[State::Failed]),
            vec![Source::Unusual(State::Failed)],
        ),
        (
            in_states(&[State::Failed, State::Expired, State::Failed, State::Unknown]),
            vec![
                Source::Unusual(State::Failed),
                Source::Unusual(State::Expired),
            ],
        ),
        (in_states(&[State::Delivered]), vec![Source::All]),
        (
            in_states(&[State::Delivered, State::Failed]),
            vec![Source::All],
        ),
        (in_states(&[State::Sending]), vec![Source::Open]),
        (
            ListFilter {
                to: "+79991234567".parse().ok(),
                ..in_states(&[State::Failed])
            },
            vec![Source::Recipient],
        ),
        (
            ListFilter {
                tenant: "acme".parse().ok(),
                ..in_states(&[State::Sending])
            },
            vec![Source::Tenant],
        ),
        (
            ListFilter {
                tenant: Some(TenantId::default()),
                ..ListFilter::default()
            },
            vec![Source::All],
        ),
    ] {
        assert_eq!(sources(&filter, &counts, 50), expected, "{filter:?}");
    }
}

#[test]
fn every_source_is_read_in_order_by_its_index() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(include_str!("../schema.sql"))
        .unwrap();
    let filter = ListFilter {
        tenant: "acme".parse().ok(),
        to: "+79991234567".parse().ok(),
        accepted_before: Some(sms_core::Timestamp::MAX),
        ..ListFilter::default()
    };
    for (source, outer, sorted) in [
        (Source::All, "SEARCH m USING INTEGER PRIMARY KEY", false),
        (
            Source::Recipient,
            "SEARCH m USING INDEX message_recipient (bucket=? AND recipient=?",
            true,
        ),
        (
            Source::Tenant,
            "SEARCH m USING INDEX message_tenant (tenant=?",
            false,
        ),
        (
            Source::Unusual(State::Failed),
            "SEARCH p USING INDEX progress_unusual (state=?",
            false,
        ),
        (Source::Open, "progress_deadline", true),
    ] {
        let query = Query::of(source, &filter, 1, 10);
        let plan = explain(&connection, &query);
        assert!(
            plan.iter().any(|step| step.contains(outer)),
            "{source:?}: {plan:?}"
        );
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        assert_eq!(sorts, sorted, "{source:?}: {plan:?}");
    }
}

fn explain(connection: &Connection, query: &Query) -> Vec<String> {
    let sql = format!("EXPLAIN QUERY PLAN {}", query.sql());
    let mut statement = connection.prepare(&sql).unwrap();
    let steps = statement.query_map(params_from_iter(&query.values), |row| row.get(3));
    steps.unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_token_leads_back_to_its_place_and_others_are_refused() {
    assert_eq!(place_of(&token_of(i64::MAX)).ok(), Some(i64::MAX));
    for foreign in [
        "",
        "below-",
        "below--1",
        "below-+1",
        "1",
        "below-99999999999999999999",
    ] {
        assert!(place_of(&PageToken(foreign.into())).is_err(), "{foreign}");
    }
}
