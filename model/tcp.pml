/* Connection management (RFC 9293 3.10) as tern does it, for spin.
 *
 * Two hosts open (actively, passively, both at once), send an octet each way, close (either first, both at once),
 * abort, crash and begin again; the channels between them lose, duplicate and reorder. What RFC 5961 asks of RST and
 * SYN and RFC 1337 of TIME-WAIT is in it; so are tern's departures (docs/ARCHITECTURE.md): a SYN is looked at before
 * its number, a SYN that comes again in SYN-RECEIVED is answered with the SYN-ACK, a SYN-ACK there counts as an ACK,
 * FIN-WAIT-1 goes straight to TIME-WAIT where the peer's FIN and the ACK of ours are one segment.
 *
 * What must hold
 *
 *   P1  both ESTABLISHED: each knows the other's ISN
 *   P2  an octet or a FIN that is taken is of the incarnation that was synchronised with, and in its place
 *   P3  the end of the stream comes after every octet before it; a FIN that is acknowledged was taken
 *   P4  SND.UNA =< SND.NXT: nothing that was not sent is ever taken for acknowledged
 *   P5  where nothing can move any more, both are CLOSED or LISTEN: no connection is left half-open
 *   P6  with faults that end no run goes on for ever (-DFAIRT, pan -l -f): no war of ACKs. It is why TIME-WAIT answers
 *       no bare ACK and every host but a few of them: a peer that took a SYN of long ago for a new one would answer
 *       each answer. Where a program closes before it is ESTABLISHED (-DIMPATIENT=1) two hosts may be in FIN-WAIT-1
 *       and agree on nothing: R2 ends that, which is not in the model.
 *   P7  (-DCLEAN) LAST-ACK is never reset: TIME-WAIT outlives the peer's retransmissions
 *   P8  (-DCLEAN) who was in TIME-WAIT begins anew only when no segment of the peer's old incarnation is under way
 *
 * Each change of state is GO(from, to, why), in the words of <tern/watch.h>: tests/unit/edges_test.c holds these
 * against tern_edges() and RFC 9293 3.10, and tools/model.py sees to it that each is taken in some run.
 *
 * Left out: windows, congestion, checksums, options; the time-outs that end a connection and tell nobody (R2, user
 * time-out, ICMP), which to the peer are a crash; SYN cookies.
 *
 * tools/model.py knows which bounds, properties and mutants go together: it runs this file. */
#ifndef CAP
#define CAP 2    /* segments under way in each direction; what finds no room is lost */
#endif
#ifndef LOSS
#define LOSS 1   /* losses beyond those, in all */
#endif
#ifndef DUP
#define DUP 1    /* duplications, in all */
#endif
#ifndef PREM
#define PREM 1   /* retransmissions while something is under way, in all */
#endif
#ifndef CRASH
#define CRASH 0  /* hosts that forget everything, in all */
#endif
#ifndef ABORT
#define ABORT 0  /* ABORT calls, in all */
#endif
#ifndef SHUT
#define SHUT 1   /* CLOSE calls on a listener, in all */
#endif
#ifndef INC
#define INC 1    /* incarnations that each host may open */
#endif
#ifndef DATA
#define DATA 1   /* octets that each side sends */
#endif
#ifndef FW2
#define FW2 1    /* FIN-WAIT-2 ends by itself (tern: orphans do); RFC 9293 knows no such timer */
#endif
#ifndef IMPATIENT
#define IMPATIENT 1  /* programs CLOSE before they are ESTABLISHED */
#endif
#define WND 4
#define SPACE 8  /* between the ISNs of two incarnations: more than WND + DATA + 2 */

#define SYN 1
#define SYNACK 2
#define ACK 3
#define DAT 4
#define FIN 5
#define RST 6
#define RSTACK 7

#define CLOSED 0
#define LISTEN 1
#define SYN_SENT 2
#define SYN_RECEIVED 3
#define ESTABLISHED 4
#define FIN_WAIT_1 5
#define FIN_WAIT_2 6
#define CLOSING 7
#define TIME_WAIT 8
#define CLOSE_WAIT 9
#define LAST_ACK 10

chan q[2] = [CAP] of { byte, byte, byte, byte };  /* q[i]: to host i; kind, seq, ack, incarnation (a ghost) */
byte st[2], una[2], nxt[2], rnxt[2], irs[2], inc[2], sent[2], got[2];
bit  passive[2], finq[2], eof[2], limited[2];
#ifdef CLEAN
bit  waited[2];        /* ghost: its last incarnation was in TIME-WAIT */
#define WAITS ; waited[i]=1
#else
#define WAITS
#endif
byte tookfin[2];      /* ghost: the last incarnation of the peer whose FIN was taken; survives a crash */
bit turn;
byte loss = LOSS, dup = DUP, prem = PREM, crash = CRASH, abrt = ABORT, shut = SHUT;

#ifdef MUT_SAMEISN
#define BASE(i) (100 + 100*(i))
#else
#define BASE(i) (100 + 100*(i) + SPACE*(inc[i]-1))
#endif
#define ISNOF(p,n) (100 + 100*(p) + SPACE*((n)-1))

#ifdef COVER           /* tell which lines change the state, once each */
c_decl {
  static void taken(int line)
  {
    static char seen[1000];

    if (!seen[line]++)
      printf("taken %d\n", line);
  }
}
#define GO(from,to,why) assert(st[i]==from); c_code { taken(__LINE__); }; st[i]=to
#else
#define GO(from,to,why) assert(st[i]==from); st[i]=to
#endif
#define PUT(k,s,a) if :: nfull(q[p]) -> q[p]!!k,s,a,inc[i] :: full(q[p]) -> skip fi
#ifdef MUT_ACKWAR
#define CHALLENGE PUT(ACK,nxt[i],rnxt[i])
#define TIME_PASSES skip
#else                 /* one until time passes, which it does where nothing is under way (RFC 5961 7) */
#define CHALLENGE if :: !limited[i] -> limited[i]=1; PUT(ACK,nxt[i],rnxt[i]) :: else -> skip fi
#define TIME_PASSES limited[0]=0; limited[1]=0
#endif
#define ISRST(k) (k==RST || k==RSTACK)
#define HASACK(k) (k!=SYN && k!=RST)
#define RECEIVES (st[i]==ESTABLISHED || st[i]==FIN_WAIT_1 || st[i]==FIN_WAIT_2)
#define MY_FIN_IS_ACKED (finq[i] && una[i]==nxt[i])
#define QUIET (len(q[0])+len(q[1])==0)
#define IN_FLIGHT(x) (una[x]<nxt[x] && st[x]>=SYN_SENT && st[x]!=TIME_WAIT)
#define AGREE assert(!(st[0]==ESTABLISHED && st[1]==ESTABLISHED) || \
                     (irs[0]==ISNOF(1,inc[1]) && irs[1]==ISNOF(0,inc[0])))  /* P1 */

#define TIMED(x) (IN_FLIGHT(x) || st[x]==TIME_WAIT || (FW2 && st[x]==FIN_WAIT_2))
#ifdef FAIRT          /* the hosts' timers take turns, so that neither starves */
#define MYTURN (turn==i || !TIMED(p))
#define TOOK turn=p
#else
#define MYTURN true
#define TOOK skip
#endif

#ifdef CLEAN          /* 2MSL is longer than the peer goes on retransmitting */
#define TWO_MSL_IS_OVER (una[p]==nxt[p])
#else
#define TWO_MSL_IS_OVER true
#endif

inline clear(i) {
  una[i]=0; nxt[i]=0; rnxt[i]=0; irs[i]=0; sent[i]=0; got[i]=0; passive[i]=0; finq[i]=0; eof[i]=0; limited[i]=0
}

inline newisn(i) {
#ifdef CLEAN
  assert(!waited[i] || !(q[i]??[_,_,_,eval(tookfin[i])]));                  /* P8 */
  waited[i]=0;
#endif
  inc[i]++; una[i]=BASE(i); nxt[i]=BASE(i)+1
}

inline resend(i,p) {  /* from SND.UNA on */
  if
  :: st[i]==SYN_SENT -> PUT(SYN,una[i],0)
  :: st[i]!=SYN_SENT && una[i]==BASE(i) -> PUT(SYNACK,BASE(i),rnxt[i])
  :: else ->
     if
     :: finq[i] && una[i]==nxt[i]-1 -> PUT(FIN,una[i],rnxt[i])
     :: else -> PUT(DAT,una[i],rnxt[i])
     fi
  fi
}

inline reset(i) {     /* an RST that hits RCV.NXT exactly */
#ifdef CLEAN
  assert(st[i]!=LAST_ACK);                                                  /* P7 */
#endif
  if
  :: st[i]==SYN_RECEIVED && passive[i] -> GO(SYN_RECEIVED, LISTEN, RST_ARRIVED)
  :: st[i]==SYN_RECEIVED && !passive[i] -> GO(SYN_RECEIVED, CLOSED, RST_ARRIVED)
  :: st[i]==ESTABLISHED -> GO(ESTABLISHED, CLOSED, RST_ARRIVED)
  :: st[i]==FIN_WAIT_1 -> GO(FIN_WAIT_1, CLOSED, RST_ARRIVED)
  :: st[i]==FIN_WAIT_2 -> GO(FIN_WAIT_2, CLOSED, RST_ARRIVED)
  :: st[i]==CLOSE_WAIT -> GO(CLOSE_WAIT, CLOSED, RST_ARRIVED)
  :: st[i]==CLOSING -> GO(CLOSING, CLOSED, RST_ARRIVED)
  :: st[i]==LAST_ACK -> GO(LAST_ACK, CLOSED, RST_ARRIVED)
#ifdef MUT_TWRST
  :: st[i]==TIME_WAIT -> st[i]=CLOSED
#endif
  fi;
  clear(i)
}

inline abort(i,p) {
  PUT(RST,nxt[i],0);
  if
  :: st[i]==SYN_RECEIVED -> GO(SYN_RECEIVED, CLOSED, ABORT_CALLED)
  :: st[i]==ESTABLISHED -> GO(ESTABLISHED, CLOSED, ABORT_CALLED)
  :: st[i]==FIN_WAIT_1 -> GO(FIN_WAIT_1, CLOSED, ABORT_CALLED)
  :: st[i]==FIN_WAIT_2 -> GO(FIN_WAIT_2, CLOSED, ABORT_CALLED)
  :: st[i]==CLOSE_WAIT -> GO(CLOSE_WAIT, CLOSED, ABORT_CALLED)
  :: st[i]==CLOSING -> GO(CLOSING, CLOSED, ABORT_CALLED)
  :: st[i]==LAST_ACK -> GO(LAST_ACK, CLOSED, ABORT_CALLED)
  fi;
  clear(i)
}

inline at_listen(i,p,k,s,a) {
  if
  :: ISRST(k) -> skip
  :: !ISRST(k) && HASACK(k) -> PUT(RST,a,0)
  :: k==SYN ->
     if
     :: inc[i]<INC ->
        newisn(i); irs[i]=s; rnxt[i]=s+1; passive[i]=1;
#ifdef MUT_TWOWAY
        una[i]=nxt[i]; st[i]=ESTABLISHED;
#else
        GO(LISTEN, SYN_RECEIVED, SYN_ARRIVED);
#endif
        PUT(SYNACK,BASE(i),rnxt[i]); AGREE
     :: else -> PUT(RSTACK,0,s+1)
     fi
  fi
}

inline at_syn_sent(i,p,k,s,a) {
  if
#ifndef MUT_NOACKCHK
  :: HASACK(k) && a!=nxt[i] -> if :: ISRST(k) -> skip :: else -> PUT(RST,a,0) fi
  :: k==RSTACK && a==nxt[i] -> GO(SYN_SENT, CLOSED, REFUSED); clear(i)
  :: k==SYNACK && a==nxt[i] ->
#else
  :: k==RSTACK -> st[i]=CLOSED; clear(i)
  :: k==SYNACK ->
#endif
     irs[i]=s; rnxt[i]=s+1; una[i]=nxt[i];
     GO(SYN_SENT, ESTABLISHED, SYN_ACK_ARRIVED); PUT(ACK,nxt[i],rnxt[i]); AGREE
  :: k==SYN ->
     irs[i]=s; rnxt[i]=s+1;
     GO(SYN_SENT, SYN_RECEIVED, SYN_ARRIVED); PUT(SYNACK,una[i],rnxt[i])
  :: else -> skip
  fi
}

inline take_text_or_fin(i,p,k,s,g) {
  if
  :: k==DAT && RECEIVES ->
     if
     :: s==rnxt[i] ->
        assert(ISNOF(p,g)==irs[i] && s==irs[i]+1+got[i] && got[i]<DATA);   /* P2 */
        rnxt[i]++; got[i]++
     :: else -> skip
     fi;
     PUT(ACK,nxt[i],rnxt[i])
#ifdef MUT_FINEARLY
  :: k==FIN && RECEIVES ->
     rnxt[i]=s;
#else
  :: k==FIN && RECEIVES && s==rnxt[i] ->
#endif
     assert(ISNOF(p,g)==irs[i]);                                           /* P2 */
     rnxt[i]++; eof[i]=1; tookfin[i]=g;
     assert(s==irs[i]+1+got[i]);                                           /* P3 */
     PUT(ACK,nxt[i],rnxt[i]);
     if
     :: st[i]==ESTABLISHED -> GO(ESTABLISHED, CLOSE_WAIT, FIN_ARRIVED)
     :: st[i]==FIN_WAIT_1 && MY_FIN_IS_ACKED -> GO(FIN_WAIT_1, TIME_WAIT, FIN_AND_ACK_ARRIVED) WAITS
     :: st[i]==FIN_WAIT_1 && !MY_FIN_IS_ACKED -> GO(FIN_WAIT_1, CLOSING, FIN_ARRIVED)
     :: st[i]==FIN_WAIT_2 ->
#ifdef MUT_NOTW
        st[i]=CLOSED; clear(i)
#else
        GO(FIN_WAIT_2, TIME_WAIT, FIN_ARRIVED) WAITS
#endif
     fi
#ifndef MUT_FINEARLY
  :: k==FIN && st[i]!=CLOSED && !(RECEIVES && s==rnxt[i]) -> PUT(ACK,nxt[i],rnxt[i])
#endif
  :: else -> skip
  fi
}

inline at_synchronized(i,p,k,s,a,g) {  /* the segment is acceptable, and neither RST nor SYN */
  if
  :: a>nxt[i] -> if :: st[i]==SYN_RECEIVED -> PUT(RST,a,0) :: else -> CHALLENGE fi
  :: a<=nxt[i] && st[i]==SYN_RECEIVED && a<=una[i] -> PUT(RST,a,0)
  :: else ->
     if :: a>una[i] -> una[i]=a :: else -> skip fi;
     assert(una[i]<=nxt[i]);                                               /* P4 */
     if
     :: st[i]==SYN_RECEIVED -> GO(SYN_RECEIVED, ESTABLISHED, OUR_SYN_ACKED); AGREE
     :: else -> skip
     fi;
     if
     :: MY_FIN_IS_ACKED ->
        assert(tookfin[p]==inc[i]);                                        /* P3 */
        if
        :: st[i]==CLOSING -> GO(CLOSING, TIME_WAIT, OUR_FIN_ACKED) WAITS
        :: st[i]==LAST_ACK -> GO(LAST_ACK, CLOSED, OUR_FIN_ACKED); clear(i)
        :: else -> skip
        fi
     :: else -> skip
     fi;
     take_text_or_fin(i,p,k,s,g);
     if
     :: st[i]==FIN_WAIT_1 && MY_FIN_IS_ACKED -> GO(FIN_WAIT_1, FIN_WAIT_2, OUR_FIN_ACKED)
     :: else -> skip
     fi
  fi
}

inline arrive(i,p,k,s,a,g) {
  if
  :: st[i]==CLOSED ->
     if
     :: ISRST(k) -> skip
     :: !ISRST(k) && HASACK(k) -> PUT(RST,a,0)
     :: k==SYN -> PUT(RSTACK,0,s+1)
     fi
  :: st[i]==LISTEN -> at_listen(i,p,k,s,a)
  :: st[i]==SYN_SENT -> at_syn_sent(i,p,k,s,a)
  :: else ->
     if
     :: k==SYNACK && st[i]==SYN_RECEIVED && s==irs[i] -> PUT(ACK,nxt[i],rnxt[i]); k=ACK; s++
     :: else -> skip
     fi;
     if
     :: k==SYN && st[i]==SYN_RECEIVED && s==irs[i] -> PUT(SYNACK,BASE(i),rnxt[i])
#ifndef MUT_NOCHAL
     :: (k==SYN || k==SYNACK) && !(k==SYN && st[i]==SYN_RECEIVED && s==irs[i]) -> CHALLENGE
#else
     :: (k==SYN || k==SYNACK) && !(k==SYN && st[i]==SYN_RECEIVED && s==irs[i]) -> skip
#endif
     :: k!=SYN && k!=SYNACK && !(s>=rnxt[i] && s<rnxt[i]+WND) ->
        if
#ifndef MUT_ACKWAR
        :: ISRST(k) || (k==ACK && st[i]==TIME_WAIT) -> skip
        :: k==ACK && st[i]!=TIME_WAIT -> CHALLENGE
#else
        :: ISRST(k) -> skip
        :: k==ACK -> CHALLENGE
#endif
        :: k==DAT || k==FIN -> PUT(ACK,nxt[i],rnxt[i])                       /* or a lost ACK is never made good */
        fi
     :: ISRST(k) && s>=rnxt[i] && s<rnxt[i]+WND ->
        if
#ifndef MUT_TWRST
        :: st[i]==TIME_WAIT -> skip                                        /* RFC 1337 */
#endif
        :: else -> if :: s==rnxt[i] -> reset(i) :: else -> CHALLENGE fi
        fi
     :: else -> at_synchronized(i,p,k,s,a,g)
     fi
  fi
}

proctype tcp(byte i) {
  byte p = 1-i;
  byte k, s, a, g, k1, s1, a1, g1;
end:
  do
  /* ---- calls ---- */
  :: atomic { st[i]==CLOSED && inc[i]<INC ->
              newisn(i); GO(CLOSED, SYN_SENT, OPEN_ACTIVE); PUT(SYN,una[i],0) }
  :: atomic { st[i]==CLOSED && inc[i]<INC -> GO(CLOSED, LISTEN, OPEN_PASSIVE) }
  :: atomic { st[i]==LISTEN && inc[i]<INC ->
              newisn(i); passive[i]=0; GO(LISTEN, SYN_SENT, OPEN_ACTIVE); PUT(SYN,una[i],0) }
  :: atomic { shut>0 && st[i]==LISTEN -> shut--; GO(LISTEN, CLOSED, CLOSE_CALLED) }
  :: atomic { (st[i]==ESTABLISHED || st[i]==CLOSE_WAIT) && sent[i]<DATA ->
              sent[i]++; PUT(DAT,nxt[i],rnxt[i]); nxt[i]++ }
  :: atomic { (IMPATIENT && st[i]==SYN_RECEIVED) || st[i]==ESTABLISHED || st[i]==CLOSE_WAIT ->
              finq[i]=1; PUT(FIN,nxt[i],rnxt[i]); nxt[i]++;
              if
              :: st[i]==SYN_RECEIVED -> GO(SYN_RECEIVED, FIN_WAIT_1, CLOSE_CALLED)
              :: st[i]==ESTABLISHED -> GO(ESTABLISHED, FIN_WAIT_1, CLOSE_CALLED)
              :: st[i]==CLOSE_WAIT -> GO(CLOSE_WAIT, LAST_ACK, CLOSE_CALLED)
              fi }
  :: atomic { IMPATIENT && st[i]==SYN_SENT -> GO(SYN_SENT, CLOSED, CLOSE_CALLED); clear(i) }
  :: atomic { abrt>0 && st[i]>=SYN_RECEIVED && st[i]!=TIME_WAIT -> abrt--; abort(i,p) }
  :: atomic { crash>0 && st[i]>=SYN_SENT -> crash--; st[i]=CLOSED; clear(i) }
  /* ---- a segment arrives: either of the first two in the (sorted) bag, which is reordering ---- */
  :: atomic {
     len(q[i])>0 ->
     if
     :: q[i]?k,s,a,g
     :: len(q[i])>1 -> q[i]?k1,s1,a1,g1; q[i]?k,s,a,g; q[i]!!k1,s1,a1,g1
     fi;
     if
     :: true -> skip
     :: dup>0 && len(q[i])<CAP -> dup--; q[i]!!k,s,a,g
     :: loss>0 -> loss--; k=0
     fi;
     if :: k==0 -> skip :: else -> arrive(i,p,k,s,a,g) fi;
     k=0; s=0; a=0; g=0; k1=0; s1=0; a1=0; g1=0 }
  /* ---- timers ---- */
  :: atomic { QUIET && MYTURN && IN_FLIGHT(i) -> TOOK; TIME_PASSES; resend(i,p) }
  :: atomic { prem>0 && !QUIET && IN_FLIGHT(i) -> prem--; resend(i,p) }
  :: atomic { QUIET && MYTURN && st[i]==TIME_WAIT && TWO_MSL_IS_OVER ->   /* every segment has died */
              TOOK; TIME_PASSES; GO(TIME_WAIT, CLOSED, TWO_MSL); clear(i) }
  :: atomic { FW2 && QUIET && MYTURN && st[i]==FIN_WAIT_2 ->
              TOOK; TIME_PASSES; GO(FIN_WAIT_2, CLOSED, ORPHAN_TIMEOUT); clear(i) }
  od
}

#define DONE(i) (st[i]==CLOSED || st[i]==LISTEN)
active proctype monitor() {
  timeout -> assert(DONE(0) && DONE(1))                                    /* P5 */
}
init { atomic { run tcp(0); run tcp(1) } }
