//! Up, up again, down (issue: Done when 1).

use std::time::{Duration, Instant};

use althing_e2e::{Consortium, repository};

use crate::room;

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_comes_up_with_its_table_again_in_seconds_and_down_without_a_trace() {
    let _room = room::enter().await;
    let sample = repository().join("deploy").join("samples").join("four-agencies");
    let consortium = Consortium::start_folder(&sample).await.unwrap();
    let members = consortium.members().unwrap();
    assert_eq!(members.len(), 6, "{members:?}");
    for (group, number) in [(1, 0), (2, 4)] {
        let height = consortium
            .member(number)
            .unwrap()
            .rpc(group)
            .unwrap()
            .height()
            .await
            .unwrap();
        assert!(height > 1, "group {group} is at height {height}");
    }

    let again = Instant::now();
    let table = consortium.up().await.unwrap();
    assert!(
        again.elapsed() < Duration::from_secs(10),
        "the second up took {:?}",
        again.elapsed()
    );
    for member in &members {
        assert!(
            table.contains(&member.name),
            "{} is not in the table:\n{table}",
            member.name
        );
    }
    let same: Vec<u32> = consortium.members().unwrap().iter().map(|member| member.pid).collect();
    assert_eq!(
        same,
        members.iter().map(|member| member.pid).collect::<Vec<_>>(),
        "a second up restarted a node"
    );

    consortium.down().await.unwrap();
    for member in &members {
        assert!(!member.is_alive(), "{} still runs as {}", member.name, member.pid);
    }
}
