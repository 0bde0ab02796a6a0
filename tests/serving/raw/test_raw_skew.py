"""Skew is counted however the model is asked."""

from __future__ import annotations

import httpx


def test_every_way_to_ask_is_counted(raw_client: httpx.Client) -> None:
    """Raw rows, features and MLflow's protocol count alike; the model's own check before it serves does not."""
    client = raw_client
    before = client.get("/skew").json()["rows"]
    card = client.get("/model").json()
    features = card["example"]["rows"][0] | {"weight": 1e6}
    answers = [
        client.post("/predict", json={"rows": [features] * 2}),
        client.post("/invocations", json={"instances": [features]}),
        client.post("/predict/raw", json=card["raw"]["example"]),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [note["field"] for note in answers[0].json()["notes"]] == ["weight", "weight"]
    after = client.get("/skew").json()
    assert after["rows"] == before + 4
    assert after["features"][0]["outside_rows"] >= 3
