"""Sends each line of the input as a command with redis-py, then uses a store as a program would. Prints what the client returns.

Its arguments are the port and the protocol: 2, 3, or `default` for what the client chooses. PASSWORD is the password, if there is one,
and CA the certificate, if it goes by TLS.
"""

import os
import sys

import redis

port, protocol = sys.argv[1:]
options = {"password": os.environ.get("PASSWORD")}
if "CA" in os.environ:
    options.update(ssl=True, ssl_ca_certs=os.environ["CA"])
if protocol != "default":
    options["protocol"] = int(protocol)
client = redis.Redis(port=int(port), decode_responses=True, single_connection_client=True, **options)


def show(what, act):
    try:
        print(what, "->", repr(act()))
    except redis.RedisError as error:
        print(what, "->", type(error).__name__, error)


for line in sys.stdin.read().splitlines():
    show(line, lambda: client.execute_command(*line.split(" ")))

events = client.pubsub()
show("subscribe", lambda: events.subscribe("__keyspace@0__:shopping"))
show("subscribed", lambda: events.get_message(timeout=30))
show("hset", lambda: client.hset("shopping", mapping={"eggs": "2", "milk": "1"}))
show("message", lambda: events.get_message(timeout=30))
events.close()
show("hgetall", lambda: client.hgetall("shopping"))
show("hmget", lambda: client.hmget("shopping", ["eggs", "none"]))
show("hincrby", lambda: client.hincrby("shopping", "milk", 41))
show("hsetnx", lambda: client.hsetnx("shopping", "milk", "1"))
with client.pipeline(transaction=True) as transaction:
    transaction.hset("shopping", "water", "3").hget("shopping", "water").hkeys("shopping").hdel("shopping", "eggs")
    show("transaction", transaction.execute)
with client.pipeline(transaction=False) as batch:
    for number in range(1000):
        batch.hset("many", str(number), "x")
    show("pipeline", lambda: sum(batch.execute()))
show("hscan_iter", lambda: sorted(client.hscan_iter("many", match="1*", count=100)))
show("scan_iter", lambda: sorted(client.scan_iter()))
show("type", lambda: client.type("many"))
show("delete", lambda: client.delete("shopping", "many", "none"))
