/* The playground's own look, over the page's. */

export const STYLE = `
.pg { --pg-blue: var(--a); --pg-green: var(--good); --pg-red: var(--lost); --pg-amber: var(--again); padding: .75rem 1rem .6rem; }
.pg-below > .top { display: none; }
.pg h1 { font-size: 1.35rem; margin: 0; }
.pg h2 { font-size: .95rem; margin: 0; }
.pg-head p { margin: .2rem 0 .8rem; max-width: 62rem; }
.pg button, .pg select, .pg input[type=number], .pg-link { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line);
	border-radius: 6px; padding: .25rem .6rem; min-height: 2.1rem; }
.pg button:disabled { color: var(--soft); opacity: .7; cursor: default; border-color: var(--line); }
.pg .pg-primary { background: var(--pg-blue); color: var(--paper); border-color: transparent; font-weight: 600; min-width: 5rem; }
.pg .pg-danger:not(:disabled) { color: var(--pg-red); }
.pg-buttons { display: flex; flex-wrap: wrap; gap: .45rem; align-items: center; }
.pg-clock { font-variant-numeric: tabular-nums; font-weight: 600; min-width: 8.5em; text-align: right; }
.pg-next { color: var(--soft); min-width: 9em; }
.pg-space { flex: 1; }
.pg-sharing { margin: .5rem 0 0; }
.pg-link { width: 100%; font: 13px ui-monospace, monospace; }
.pg-sharing p { margin: .3rem 0 0; }
.pg-command { font: 12px ui-monospace, monospace; overflow-wrap: anywhere; }
.pg-banner { margin: .4rem 0; min-height: 1.4em; }
.pg-banner[data-kind=good] { color: var(--pg-green); }
.pg-banner[data-kind=bad] { color: var(--pg-red); }
.pg-table { display: grid; grid-template-columns: 17rem minmax(0, 1fr) 17rem; gap: .75rem; align-items: stretch; }
.pg-end, .pg-path { background: var(--panel); }
.pg-end { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .7rem; display: flex; flex-direction: column; gap: .5rem; }
.pg-state { font-size: 1.15rem; color: var(--pg-blue); }
.pg-state[data-state=ESTABLISHED] { color: var(--pg-green); }
.pg-state[data-state=CLOSED] { color: inherit; opacity: .7; }
.pg-state[data-state=TIME-WAIT], .pg-state[data-state=CLOSE-WAIT], .pg-state[data-state=LAST-ACK],
.pg-state[data-state=CLOSING], .pg-state[data-state=FIN-WAIT-1], .pg-state[data-state=FIN-WAIT-2] { color: var(--pg-amber); }
.pg-deeds { display: grid; grid-template-columns: 1fr 1fr; gap: .35rem; }
.pg-joined { display: flex; grid-column: span 2; gap: .35rem; }
.pg-joined button { flex: 1; }
.pg-joined select { min-width: 0; flex: 1; }
.pg-deeds button { padding-inline: .15rem; white-space: nowrap; }
.pg .pg-joined select { padding-inline: .3rem; }
.pg-switches { display: flex; flex-wrap: wrap; gap: .3rem .8rem; font-size: .88rem; align-items: center; }
.pg-figures { display: grid; grid-template-columns: auto 1fr; gap: .05rem .6rem; margin: 0; font-size: .85rem; font-variant-numeric: tabular-nums; }
.pg-figures dt { color: var(--soft); }
.pg-figures dd { margin: 0; text-align: right; white-space: nowrap; }
.pg-stage { display: flex; flex-direction: column; min-width: 0; }
.pg-wire { position: relative; height: 348px; overflow: hidden; border-inline: 3px solid currentColor; border-radius: 3px;
	background: linear-gradient(var(--line), var(--line)) 0 50% / 100% 1px no-repeat; }
.pg .pg-pill { position: absolute; left: 0; top: 0; min-height: 0; height: 22px; padding: 0 .45em; border-radius: 11px; white-space: nowrap;
	font: 12px/20px system-ui, sans-serif; background: var(--panel); border: 1.5px solid currentColor; will-change: transform; touch-action: manipulation; }
.pg .pg-pill[hidden] { display: none; }
.pg .pg-pill.pg-small { min-width: 0; }
.pg .pg-pill.pg-small .pg-name, .pg .pg-pill.pg-small::after { display: none; }
.pg .pg-pill { min-width: 0; }
.pg .pg-pill.pg-text { color: var(--pg-blue); }
.pg .pg-pill.pg-syn { color: var(--pg-green); }
.pg .pg-pill.pg-fin { color: var(--pg-amber); }
.pg .pg-pill.pg-rst, .pg .pg-pill.pg-gone { color: var(--pg-red); }
.pg .pg-pill.pg-again { border-style: dashed; }
.pg .pg-pill.pg-gone { text-decoration: line-through; opacity: .75; }
.pg .pg-pill.pg-gone::after { content: " ✗"; }
.pg .pg-pill.pg-held { border-style: double; border-width: 3px; line-height: 16px; }
.pg .pg-pill.pg-held::after { content: " ‖"; }
.pg .pg-pill.pg-is-chosen { outline: 2px solid currentColor; outline-offset: 1px; }
.pg-wire-note { margin: .25rem 0; min-height: 1.3em; text-align: center; color: var(--soft); font-size: .88rem; }
.pg-chosen { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; justify-content: center; }
.pg-chosen-text { min-width: 16em; text-align: center; font-variant-numeric: tabular-nums; }
.pg-path { margin-top: .9rem; border: 1px solid var(--line); border-radius: 8px; padding: .6rem .8rem; }
.pg-path h2 { display: inline; margin-right: 1rem; }
.pg-sliders { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .25rem 1.6rem; margin-top: .5rem; }
.pg-sliders label { display: grid; grid-template-columns: 5.2rem 1fr 5.6rem; gap: .5rem; align-items: center; min-height: 2rem; }
.pg-sliders input { width: 100%; min-width: 0; accent-color: var(--pg-blue); }
.pg-sliders output { text-align: right; font-variant-numeric: tabular-nums; }
.pg-more { margin-top: .6rem; }
.pg-settings { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-top: .4rem; }
.pg-settings input { width: 11rem; }
@media (max-width: 900px) {
	.pg { padding: .6rem .6rem .4rem; }
	.pg-table { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
	.pg-stage { grid-column: 1 / -1; grid-row: 1; }
	.pg-wire { height: 250px; margin-top: .5rem; }
	.pg-wire-note { margin: .1rem 0; }
	.pg-deeds { font-size: .9rem; }
	.pg-banner:empty { display: none; }
	.pg-space { display: none; }
	.pg-next { display: none; }
	.pg-figures { font-size: .78rem; column-gap: .3rem; }
	.pg-end { padding: .5rem; }
	.pg-state { font-size: 1rem; }
	.pg-buttons { gap: .35rem; }
	.pg-clock { min-width: 0; }
	.pg-chosen-text { min-width: 0; flex-basis: 100%; }
}
@media (max-width: 900px) and (pointer: coarse) { .pg .pg-pill { height: 24px; line-height: 22px; } }
@media print { .pg-bar, .pg-deeds, .pg-path, .pg-more, .pg-chosen { display: none; } }
`;
