//! Checks that hold for every store, whatever has happened to it.

use std::path::Path;

use rusqlite::Connection;
use sms_core::{ListFilter, StateCounts, Store, Timestamp};
use sms_sqlite::SqliteStore;

/// The counts are the sums, every open message has a deadline, and the file is sound.
pub(crate) async fn balance(store: &SqliteStore) {
    let mut sums = StateCounts::default();
    let mut open = 0;
    let mut token = None;
    loop {
        let page = store
            .list(&ListFilter::default(), token.as_ref(), 500)
            .await
            .unwrap();
        for message in &page.messages {
            let state = message.state();
            sums.set(state, sums.get(state) + 1);
            assert_eq!(
                message.progress.deadline.is_some(),
                !state.is_final(),
                "{message:?}"
            );
            open += usize::from(!state.is_final());
        }
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(store.count().await.unwrap(), sums);
    let due = store.due(Timestamp::MAX, usize::MAX).await.unwrap();
    assert_eq!(due.len(), open);
    sound(store.path());
}

/// Nothing in the file is torn, and no table has a row that the others do not know.
pub(crate) fn sound(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    for orphans in [
        "SELECT count(*) FROM message WHERE seq NOT IN (SELECT seq FROM progress)",
        "SELECT count(*) FROM progress WHERE seq NOT IN (SELECT seq FROM message)",
        "SELECT count(*) FROM provider_id WHERE seq NOT IN (SELECT seq FROM message)",
    ] {
        assert_eq!(number(orphans), 0, "{orphans}");
    }
}
