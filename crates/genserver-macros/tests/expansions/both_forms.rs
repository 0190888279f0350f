//! The tests of the seeds: each runs for a server that the macro wrote, and for one that was written out.

/// The tests of one server, for each form of it.
macro_rules! in_both_forms {
    ($tests:ident: $by_macro:ident, $by_hand:ident) => {
        mod $by_macro {
            use crate::$by_macro::*;
            $tests!();
        }
        mod $by_hand {
            use crate::$by_hand::*;
            $tests!();
        }
    };
}

macro_rules! queue_tests {
    () => {
        // `Server`, `call` and `cast` of seed 002: the first lesson of GenServer.
        #[tokio::test]
        async fn what_is_put_in_first_comes_out_first() {
            let queue = Queue::new(genserver::start::<SimpleQueue>(vec![1, 2, 3]).await.unwrap());
            assert_eq!(queue.dequeue().await, Ok(Some(1)));
            assert_eq!(queue.dequeue().await, Ok(Some(2)));
            assert_eq!(queue.queue().await, Ok(vec![3]));
            queue.enqueue(20).unwrap();
            assert_eq!(queue.queue().await, Ok(vec![3, 20]));
        }

        #[tokio::test]
        async fn the_options_of_a_call_stay_with_the_caller() {
            use std::time::Duration;

            let queue = Queue::new(genserver::start::<SimpleQueue>(vec![1, 2, 3]).await.unwrap());
            assert_eq!(queue.dequeue().timeout(Duration::from_mins(1)).await, Ok(Some(1)));
            assert_eq!(queue.dequeue().no_timeout().await, Ok(Some(2)));
            assert_eq!(queue.dequeue().send_request().await, Ok(Some(3)));
            let blocking = tokio::task::spawn_blocking(move || queue.dequeue().blocking());
            assert_eq!(blocking.await.unwrap(), Ok(None));
        }

        #[tokio::test]
        async fn a_client_over_a_name_survives_a_restart_and_is_itself_a_reference() {
            use genserver::{AsServer as _, Named, Reason, sys};

            let queue = Queue::new(Named::<SimpleQueue>::new(concat!(module_path!(), "queue")));
            assert!(queue.enqueue(1).is_err());
            for _ in 0..2 {
                let start = genserver::start::<SimpleQueue>(Vec::new());
                start.name(concat!(module_path!(), "queue")).await.unwrap();
                queue.enqueue(1).unwrap();
                assert_eq!(queue.dequeue().await, Ok(Some(1)));
                assert!(sys::with_state(&queue, |queue| format!("{queue:?}")).await.is_ok());
                queue.stop().await.unwrap();
            }
            assert_eq!(queue.ended().await, Reason::NoProc);
        }
    };
}
in_both_forms!(queue_tests: queue, queue_by_hand);

macro_rules! bucket_tests {
    () => {
        #[tokio::test]
        async fn stores_values_by_key() {
            let bucket = Items::new(genserver::start::<Bucket>(()).await.unwrap());
            assert_eq!(bucket.get("milk".to_owned()).await, Ok(None));
            assert_eq!(bucket.put("milk".to_owned(), 3).await, Ok(()));
            assert_eq!(bucket.get("milk".to_owned()).await, Ok(Some(3)));
            assert_eq!(bucket.delete("milk".to_owned()).await, Ok(Some(3)));
            assert_eq!(bucket.delete("milk".to_owned()).await, Ok(None));
        }
    };
}
in_both_forms!(bucket_tests: bucket, bucket_by_hand);

macro_rules! todo_tests {
    () => {
        #[tokio::test]
        async fn spawns_todo_lists() {
            let manager = Lists::new(genserver::start::<Manager>(()).await.unwrap());
            assert_eq!(manager.lookup("shopping".to_owned()).await, Ok(None));
            manager.create("shopping".to_owned()).unwrap();
            let list = manager.lookup("shopping".to_owned()).await.unwrap().unwrap();
            list.update(|items| items.insert(0, "eggs".to_owned())).await.unwrap();
            assert_eq!(list.get(Vec::clone).await.unwrap(), ["eggs"]);

            // Ensuring a list means that a second create finds it.
            manager.create("shopping".to_owned()).unwrap();
            assert_eq!(manager.lookup("shopping".to_owned()).await, Ok(Some(list)));
            assert_eq!(manager.finish().await, Ok(()));
            assert!(manager.lookup("shopping".to_owned()).await.is_err());
        }

        #[tokio::test]
        async fn removes_todo_lists_on_exit() {
            let manager = Lists::new(genserver::start::<Manager>(()).await.unwrap());
            manager.create("shopping".to_owned()).unwrap();
            let list = manager.lookup("shopping".to_owned()).await.unwrap().unwrap();
            list.stop().await.unwrap();
            assert_eq!(manager.lookup("shopping".to_owned()).await, Ok(None));
        }

        #[tokio::test]
        async fn the_crash_of_a_list_takes_the_linked_manager_along() {
            use genserver::{AsServer as _, Reason};

            let manager = Lists::new(genserver::start::<Manager>(()).await.unwrap());
            manager.create("shopping".to_owned()).unwrap();
            let list = manager.lookup("shopping".to_owned()).await.unwrap().unwrap();
            list.process_ref().exit(Reason::term("a bug"));
            assert_eq!(manager.ended().await, Reason::term("a bug"));
        }
    };
}
in_both_forms!(todo_tests: todo, todo_by_hand);

macro_rules! registry_tests {
    () => {
        #[tokio::test]
        async fn spawns_buckets() {
            let registry = Registry::new(genserver::start::<Names>(()).await.unwrap());
            assert_eq!(registry.lookup("shopping".to_owned()).await, Ok(None));
            registry.create("shopping".to_owned()).unwrap();
            let bucket = registry.lookup("shopping".to_owned()).await.unwrap().unwrap();
            bucket.update(|items| items.extend([("milk".to_owned(), 1)])).await.unwrap();
            assert_eq!(bucket.get(|items| items["milk"]).await, Ok(1));
        }

        #[tokio::test]
        async fn removes_buckets_on_exit() {
            let registry = Registry::new(genserver::start::<Names>(()).await.unwrap());
            for _ in 0..100 {
                registry.create("shopping".to_owned()).unwrap();
                let bucket = registry.lookup("shopping".to_owned()).await.unwrap().unwrap();
                bucket.stop().await.unwrap();
                assert_eq!(registry.lookup("shopping".to_owned()).await, Ok(None));
            }
        }

        #[tokio::test]
        async fn the_catch_all_logs_and_lives_on() {
            use genserver::{AsServer as _, Node};

            let node = Node::new();
            let mut reports = node.reports();
            let registry = Registry::new(node.start::<Names>(()).name("KV.Registry").await.unwrap());
            registry.send(Info::Other("hello")).unwrap();
            assert_eq!(registry.lookup("shopping".to_owned()).await, Ok(None));
            let report = reports.try_next().unwrap().to_string();
            assert!(report.starts_with("Unexpected message in KV.Registry"), "{report}");
            assert!(report.contains(r#"Other("hello")"#), "{report}");
        }
    };
}
in_both_forms!(registry_tests: registry, registry_by_hand);

macro_rules! shelf_tests {
    () => {
        #[tokio::test]
        async fn a_block_may_have_parameters_several_arguments_and_messages_by_hand() {
            use genserver::{AsServer as _, sys};

            let start = genserver::start::<Shelf<2, &str, &str>>((vec!["Emma", "Ulysses"], "novels"));
            let library = Library::new(start.await.unwrap());
            assert_eq!(library.label().await, Ok("novels"));
            assert_eq!(library.has_space((1, true), 0, 0).await, Ok(false));
            assert_eq!(library.take().await, Ok(Some("Emma")));
            assert_eq!(library.has_space((1, true), 0, 0).await, Ok(true));

            library.clear().unwrap();
            let waiting = library.take().send_request();
            library.put("Middlemarch").unwrap();
            assert_eq!(waiting.await, Ok(Some("Middlemarch")));

            // It is answered by `terminate`.
            let in_vain = library.take().send_request();
            sys::suspend(&library).await.unwrap();
            sys::resume(&library).await.unwrap();
            library.stop().await.unwrap();
            assert_eq!(in_vain.await, Ok(None));
        }

        #[tokio::test]
        async fn an_error_in_init_is_the_reason_why_the_server_does_not_start() {
            let start = genserver::start::<Shelf<1, u8, ()>>((vec![1, 2], ()));
            let error = start.await.unwrap_err();
            assert!(error.to_string().contains("too many books"), "{error}");
        }

        #[tokio::test]
        async fn what_is_derived_shows_the_messages() {
            let start = genserver::start::<Shelf<1, &str, ()>>((Vec::new(), ()));
            let shelf = start.await.unwrap();
            let message = format!("{:?}", shelf.cast_wait(Cast::Put("Emma")));
            assert!(!message.is_empty());
            let call = Library::new(shelf);
            #[expect(deprecated, reason = "it still works")]
            let name = call.name();
            assert_eq!(name.await, call.label().await);
            assert_eq!(format!("{:?}", Cast::Put("Emma")), r#"Put("Emma")"#);
        }
    };
}
in_both_forms!(shelf_tests: shelf, shelf_by_hand);
