;; tests/dropin/guile_data.scm: trees, numbers, text and tables of Guile. SPDX-License-Identifier: MIT
(use-modules (srfi srfi-1) (srfi srfi-9) (ice-9 regex) (rnrs bytevectors))

(define (say . parts) (for-each display parts) (newline))

;; Balanced trees of records that come and go beside one that stays.
(define-record-type <node> (node left right key) node?
  (left node-left) (right node-right) (key node-key))
(define (grow low high)
  (if (> low high)
      #f
      (let ((middle (quotient (+ low high) 2)))
        (node (grow low (- middle 1)) (grow (+ middle 1) high) middle))))
(define (total tree)
  (if tree (+ (node-key tree) (total (node-left tree)) (total (node-right tree))) 0))
(define lasting (grow 1 40000))
(say "trees " (let loop ((i 0) (sum 0))
                (if (= i 100) sum (loop (+ i 1) (+ sum (total (grow 1 (* 100 i))))))))

;; Numbers that do not fit into a word.
(define (product low high)
  (if (= low high)
      low
      (let ((middle (quotient (+ low high) 2)))
        (* (product low middle) (product (+ middle 1) high)))))
(define large (product 1 1500))
(say "digits " (string-length (number->string large)) " rest " (modulo large 1000003))
(say "ratio " (fold + 0 (map (lambda (i) (/ 1 i)) (iota 60 1))))

;; Text, by pieces, through ports, and matched.
(define words (map (lambda (i) (string-append "w" (number->string (modulo (* i 7919) 4001) 36)))
                   (iota 20000)))
(define joined (string-join words " "))
(say "text " (string-length joined) " hash " (string-hash joined 1000003))
(say "pieces " (length (string-split joined #\space)))
(say "matches " (fold-matches "w[a-c]+[0-9]" joined 0 (lambda (m n) (+ n 1))))
(say "read " (length (call-with-input-string
                      (string-append "(" joined ")") (lambda (port) (read port)))))

;; Tables that grow, are halved and grow again.
(define table (make-hash-table))
(do ((i 0 (+ i 1))) ((= i 30000)) (hash-set! table (number->string i) (list i (* i i))))
(do ((i 0 (+ i 2))) ((>= i 30000)) (hash-remove! table (number->string i)))
(do ((i 30000 (+ i 1))) ((= i 40000)) (hash-set! table (number->string i) (vector i)))
(say "table " (hash-count (const #t) table) " " (hash-ref table "12321"))

;; Large vectors, sorted; byte vectors.
(define numbers (list->vector (map (lambda (i) (modulo (* i 7919) 50021)) (iota 50000))))
(define sorted (sort numbers <))
(say "sorted " (vector-ref sorted 0) " " (vector-ref sorted 25000) " " (vector-ref sorted 49999))
(define bytes (map (lambda (i) (make-bytevector 5000 (modulo i 256))) (iota 400)))
(say "bytes " (fold + 0 (map (lambda (b) (bytevector-u8-ref b 4999)) bytes)))

;; Ways out: exceptions, one-shot and re-entered continuations, dynamic extents.
(say "caught " (let loop ((i 0) (n 0))
                 (if (= i 3000)
                     n
                     (loop (+ i 1)
                           (+ n (catch 'odd
                                  (lambda () (if (odd? i) (throw 'odd i) 0))
                                  (lambda (key value) 1)))))))
(define (generate tree)
  (define return #f)
  (define (walk tree)
    (when tree
      (walk (node-left tree))
      (call/cc (lambda (rest) (set! resume rest) (return (node-key tree))))
      (walk (node-right tree))))
  (define resume (lambda (_) (walk tree) (return #f)))
  (lambda () (call/cc (lambda (k) (set! return k) (resume #t)))))
(define next (generate (grow 1 2000)))
(say "generated " (let loop ((sum 0)) (let ((key (next))) (if key (loop (+ sum key)) sum))))
(say "deep " (let loop ((n 200000)) (if (= n 0) 0 (+ 1 (loop (- n 1))))))

(say "lasting " (total lasting))
(say "end")
