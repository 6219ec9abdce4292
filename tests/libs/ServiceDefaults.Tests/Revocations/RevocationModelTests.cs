using Contracts.Identity;
using ServiceDefaults.Identity;

namespace ServiceDefaults.Tests.Revocations;

/// <summary>
/// Random schedules against one sentence: every acknowledged revocation is seen within the limit and stays seen until it expires. Messages are
/// lost, doubled, overtaken and late; the broker and the store go and come; replicas of auth are killed, stop and start.
/// </summary>
public sealed class RevocationModelTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(7);
    private static readonly DateTimeOffset Origin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<int> Seeds { get; } = [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_acknowledged_revocation_is_seen_in_time_and_stays_seen(int seed) => new World(seed).Run(TimeSpan.FromMinutes(20));

    private sealed class World(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly RevocationOptions _options = new();
        private readonly RevokedTokens _revoked = new();
        private readonly List<Replica> _replicas = [];
        private readonly List<(TimeSpan Arrival, TimeSpan Sent, TokenRevoked Message)> _travelling = [];
        private readonly List<(Revocation Revocation, TimeSpan At)> _stored = [];
        private readonly HashSet<string> _seen = [];
        private readonly RevocationHearing _hearing = new(new RevocationOptions());
        private TimeSpan _now;
        private TimeSpan _brokerBack;
        private TimeSpan _storeBack;
        private TimeSpan _storeLastAway = TimeSpan.MinValue;
        private double _loss;
        private double _late;
        private (long Doubts, TimeSpan Begun, TimeSpan Ends, int Seen)? _reading;
        private int _ids;

        public void Run(TimeSpan duration)
        {
            _loss = _random.NextDouble() * 0.3;
            _late = _random.NextDouble() * 0.2;
            _replicas.Add(new Replica());
            _replicas.Add(new Replica());
            for (_now = TimeSpan.Zero; _now < duration; _now += Step)
            {
                Fail();
                foreach (var replica in _replicas.ToArray())
                {
                    Act(replica);
                }

                Deliver();
                Read();
                _revoked.Forget(Origin + _now);
                Check();
            }

            Assert.True(_ids > 100, $"seed {seed}: the schedule revoked only {_ids}");
        }

        private bool Chance(double perSecond) => _random.NextDouble() < perSecond * Step.TotalSeconds;

        private TimeSpan Between(double low, double high) => TimeSpan.FromSeconds(low + (_random.NextDouble() * (high - low)));

        private void Fail()
        {
            if (_brokerBack <= _now && Chance(0.01))
            {
                _brokerBack = _now + Between(0.5, 90);
                // What was with the broker is gone.
                _travelling.Clear();
            }

            if (_storeBack <= _now && Chance(0.005))
            {
                _storeBack = _now + Between(0.5, 60);
            }

            if (_storeBack > _now)
            {
                _storeLastAway = _now;
            }

            if (Chance(0.01))
            {
                _replicas.RemoveAt(_random.Next(_replicas.Count));
            }
            else if (_replicas.Count > 1 && Chance(0.01))
            {
                var leaving = _replicas[_random.Next(_replicas.Count)];
                Publish(leaving, isLeaving: true);
                _replicas.Remove(leaving);
            }

            if (_replicas.Count == 0 || (_replicas.Count < 3 && Chance(0.05)))
            {
                _replicas.Add(new Replica());
            }
        }

        private void Act(Replica replica)
        {
            // A replica tells that it is there before it serves.
            if (replica.Sequence == 0)
            {
                Publish(replica, isLeaving: false);
                return;
            }

            var wants = false;
            if (Chance(0.2) && _storeBack <= _now)
            {
                var life = Between(30, 600);
                var revocation = new Revocation($"id-{++_ids}", Origin + _now + life, "logout", Origin + _now);
                // Stored is acknowledged; the replica may be killed before it tells.
                _stored.Add((revocation, _now));
                replica.Waiting.Add(revocation);
                wants = !replica.IsAway;
                if (_random.NextDouble() < 0.05)
                {
                    _replicas.Remove(replica);
                    return;
                }
            }

            if (wants || _now - replica.Published >= TimeSpan.FromSeconds(1))
            {
                Publish(replica, isLeaving: false);
            }
        }

        /// <summary>As the announcer: a number per attempt, what failed goes with the next.</summary>
        private void Publish(Replica replica, bool isLeaving)
        {
            var message = new TokenRevoked(replica.Source, ++replica.Sequence, Origin + _now, [.. replica.Waiting], isLeaving);
            replica.Published = _now;
            replica.IsAway = _brokerBack > _now;
            if (replica.IsAway)
            {
                return;
            }

            replica.Waiting.Clear();
            // Of a replica whose first message is lost nobody knows: the slow reading is for that.
            if (message.Sequence > 1 && _random.NextDouble() < _loss)
            {
                return;
            }

            var copies = _random.NextDouble() < 0.1 ? 2 : 1;
            for (var i = 0; i < copies; i++)
            {
                var travel = message.Sequence > 1 && _random.NextDouble() < _late ? Between(0, _random.NextDouble() < 0.1 ? 90 : 3) : Between(0, 0.05);
                _travelling.Add((_now + travel, _now, message));
            }
        }

        private void Deliver()
        {
            foreach (var (arrival, sent, message) in _travelling.Where(item => item.Arrival <= _now).ToArray())
            {
                _travelling.Remove((arrival, sent, message));
                if (_now - sent <= _options.MaxHintAge)
                {
                    Learn(message.Revocations);
                    _hearing.Hear(message, _now - sent, _now);
                }
            }
        }

        private void Read()
        {
            if (_reading is { } reading && reading.Ends <= _now)
            {
                _reading = null;
                if (_storeLastAway < reading.Begun)
                {
                    Learn(_stored.Take(reading.Seen).Select(item => item.Revocation));
                    _hearing.EndReading(reading.Doubts, reading.Begun);
                }
            }

            // The feed looks every 200 ms.
            if (_reading is null && _now.Ticks % RevocationFeed.Tick.Ticks == 0 && _hearing.IsReadingDue(_now))
            {
                _reading = (_hearing.BeginReading(_now), _now, _now + Between(0, 0.5), _stored.Count);
            }
        }

        private void Learn(IEnumerable<Revocation> revocations)
        {
            foreach (var revocation in revocations.Where(revocation => revocation.ExpiresAt > Origin + _now))
            {
                _revoked.Add(revocation.Id, revocation.ExpiresAt);
            }
        }

        private void Check()
        {
            _stored.RemoveAll(item => item.Revocation.ExpiresAt <= Origin + _now - TimeSpan.FromMinutes(1) && _reading is null);
            foreach (var (revocation, at) in _stored.Where(item => item.Revocation.ExpiresAt > Origin + _now))
            {
                if (IsSeen(revocation))
                {
                    _seen.Add(revocation.Id);
                    continue;
                }

                Assert.False(_seen.Contains(revocation.Id), $"seed {seed}: {revocation.Id} was seen and is not at {_now}");
                var readable = _now - (at > _storeLastAway ? at : _storeLastAway);
                Assert.True(readable <= Limit, $"seed {seed}: {revocation.Id} of {at} is not seen at {_now}");
                Assert.True(
                    _now - at <= Limit + _options.UnknownAfter || !_hearing.AreKnown(_now),
                    $"seed {seed}: {revocation.Id} of {at} is not seen at {_now} and requests are answered");
            }
        }

        private bool IsSeen(Revocation revocation) => _revoked.Contains(
            new ServiceDefaults.Identity.Identity("u", revocation.Id, "-", "guest", [], null, Origin, revocation.ExpiresAt));
    }

    private sealed class Replica
    {
        public Guid Source { get; } = Guid.NewGuid();

        public long Sequence { get; set; }

        public TimeSpan Published { get; set; } = TimeSpan.MinValue / 2;

        public bool IsAway { get; set; }

        public List<Revocation> Waiting { get; } = [];
    }
}
