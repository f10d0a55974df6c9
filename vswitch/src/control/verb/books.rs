//! `Books`: where every packet went.

use control_api::v1;

use crate::control::source::{ControlSource, InputBook, OutputBook, WholeBook};
use crate::control::wire;

pub(in crate::control) fn answer(source: &dyn ControlSource) -> v1::BooksReply {
    let books = source.books();
    v1::BooksReply {
        inputs: books.inputs.into_iter().map(input).collect(),
        outputs: books.outputs.into_iter().map(output).collect(),
        whole: Some(whole(books.whole)),
    }
}

fn input(book: InputBook) -> v1::InputBook {
    v1::InputBook {
        port: book.port,
        segment: book.segment.map(wire::segment),
        received: book.received,
        extra_fragments: book.extra_fragments,
        copies: book.copies,
        forwarded: book.forwarded,
        answered: book.answered,
        punted: book.punted,
        held: book.held,
        dropped: book.dropped,
    }
}

fn output(book: OutputBook) -> v1::OutputBook {
    v1::OutputBook {
        port: book.port,
        offered: book.offered,
        sent: book.sent,
        tx_dropped: book.tx_dropped,
    }
}

fn whole(book: WholeBook) -> v1::WholeBook {
    v1::WholeBook {
        received: book.received,
        generated: book.generated,
        copies: book.copies,
        extra_fragments: book.extra_fragments,
        sent: book.sent,
        consumed: book.consumed,
        held: book.held,
        dropped: book.dropped,
    }
}
