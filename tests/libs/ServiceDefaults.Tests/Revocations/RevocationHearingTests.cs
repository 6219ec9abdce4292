using Contracts.Identity;
using ServiceDefaults.Identity;

namespace ServiceDefaults.Tests.Revocations;

public sealed class RevocationHearingTests
{
    private static readonly Guid A = Guid.NewGuid();
    private static readonly Guid B = Guid.NewGuid();

    private readonly RevocationHearing _hearing = new(new RevocationOptions());
    private readonly Dictionary<Guid, long> _sequences = [];
    private TimeSpan _now = TimeSpan.FromHours(1);
    private int _readings;

    [Fact]
    public void Nothing_is_known_before_the_first_reading()
    {
        Assert.False(_hearing.AreKnown(_now));
        Assert.True(Look());
        Assert.True(_hearing.AreKnown(_now));
    }

    [Fact]
    public void While_all_are_heard_only_the_slow_reading_remains()
    {
        Listen(A, B);
        var before = _readings;

        Pass(55, A, B);
        Assert.Equal(before, _readings);
        Pass(10, A, B);
        Assert.Equal(before + 1, _readings);
    }

    [Fact]
    public void A_missing_number_makes_one_reading()
    {
        Listen(A);
        var before = _readings;
        _sequences[A]++;

        Pass(3, A);

        Assert.Equal(before + 1, _readings);
    }

    [Fact]
    public void A_doubled_or_overtaken_message_makes_none()
    {
        Listen(A);
        var before = _readings;

        Hear(A, _sequences[A]);
        Hear(A, _sequences[A] - 1);
        Pass(2, A);

        Assert.Equal(before, _readings);
    }

    [Fact]
    public void Somebody_new_makes_one_reading()
    {
        Listen(A);
        var before = _readings;

        Pass(3, A, B);

        Assert.Equal(before + 1, _readings);
    }

    [Fact]
    public void One_who_falls_silent_makes_a_reading_a_second_until_it_is_heard_again()
    {
        Listen(A, B);
        var before = _readings;

        Pass(4, A);
        Assert.Equal(before, _readings);
        Pass(10, A);
        Assert.InRange(_readings - before, 9, 11);
        Pass(2, A, B);
        before = _readings;
        Pass(10, A, B);
        Assert.Equal(before, _readings);
    }

    [Fact]
    public void One_who_stays_silent_is_forgotten_in_the_end()
    {
        Listen(A, B);
        Pass(601, A);
        var before = _readings;

        Pass(30, A);

        Assert.Equal(before, _readings);
    }

    [Fact]
    public void One_who_said_farewell_is_not_missed()
    {
        Listen(A, B);
        Hear(B, ++_sequences[B], leaving: true);
        // Overtaken by the farewell.
        Hear(B, _sequences[B] - 1);
        var before = _readings;

        Pass(30, A);

        Assert.Equal(before, _readings);
    }

    [Fact]
    public void When_nobody_is_heard_the_documents_are_read_every_second()
    {
        Listen(A);
        var before = _readings;

        Pass(4);
        Assert.Equal(before, _readings);
        Pass(10);
        Assert.InRange(_readings - before, 9, 11);
    }

    [Fact]
    public void Who_is_heard_late_is_silent_in_between()
    {
        Listen(A);

        for (var i = 0; i < 20; i++)
        {
            _now += TimeSpan.FromSeconds(1);
            Hear(A, ++_sequences[A], age: TimeSpan.FromSeconds(6));
            Look();
        }

        Assert.Equal(RevocationFeedState.Reading, _hearing.StateAt(_now));
    }

    [Fact]
    public void A_doubt_that_cannot_be_settled_for_30_s_ends_what_is_known_until_it_is_settled()
    {
        Listen(A);
        Pass(5);
        var last = _now;
        while (_now - last < TimeSpan.FromSeconds(29))
        {
            Look(isReadable: false);
            Assert.True(_hearing.AreKnown(_now));
            _now += TimeSpan.FromMilliseconds(200);
        }

        _now += TimeSpan.FromSeconds(2);
        Look(isReadable: false);
        Assert.False(_hearing.AreKnown(_now));

        _now += TimeSpan.FromSeconds(1);
        Look();
        Assert.True(_hearing.AreKnown(_now));
    }

    [Fact]
    public void An_unreadable_store_is_no_matter_while_all_are_heard()
    {
        Listen(A);

        for (var i = 0; i < 300; i++)
        {
            _now += TimeSpan.FromSeconds(1);
            Hear(A, ++_sequences[A]);
            Look(isReadable: false);
            Assert.True(_hearing.AreKnown(_now));
        }
    }

    [Fact]
    public void A_doubt_that_comes_during_a_reading_needs_another()
    {
        Listen(A);
        _now += TimeSpan.FromSeconds(1);
        var begun = _now;
        var doubts = _hearing.BeginReading(begun);
        _sequences[A]++;
        Hear(A, ++_sequences[A]);
        _hearing.EndReading(doubts, begun);

        _now += TimeSpan.FromSeconds(1);

        Assert.True(_hearing.IsReadingDue(_now));
    }

    /// <summary>Everybody is heard and the documents are read.</summary>
    private void Listen(params Guid[] sources)
    {
        Look();
        Pass(3, sources);
    }

    /// <summary>Seconds in which these are heard.</summary>
    private void Pass(int seconds, params Guid[] sources)
    {
        for (var i = 0; i < seconds * 5; i++)
        {
            if (i % 5 == 0)
            {
                foreach (var source in sources)
                {
                    _sequences[source] = _sequences.GetValueOrDefault(source) + 1;
                    Hear(source, _sequences[source]);
                }
            }

            Look();
            _now += TimeSpan.FromMilliseconds(200);
        }
    }

    private void Hear(Guid source, long sequence, bool leaving = false, TimeSpan age = default) =>
        _hearing.Hear(new TokenRevoked(source, sequence, default, [], leaving), age, _now);

    private bool Look(bool isReadable = true)
    {
        if (!_hearing.IsReadingDue(_now))
        {
            return false;
        }

        var doubts = _hearing.BeginReading(_now);
        if (isReadable)
        {
            _readings++;
            _hearing.EndReading(doubts, _now);
        }

        return true;
    }
}
